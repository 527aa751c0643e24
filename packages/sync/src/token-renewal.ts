import type { DustError } from '@dustlayer/protocol'
import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'
import type { TokenKeeper } from './token.js'

/** Replaces the token of an open connection in time, and when the server turns it down. */
export interface TokenRenewal {
  /** A connection is open with this token. */
  opened(token: string): void
  /** The server does not take the token that is in use: another one is asked for. */
  turnedDown(): void
  /** The connection is gone; the next one reads the token itself. */
  lost(): void
}

export interface TokenRenewalOptions {
  readonly keeper: TokenKeeper
  readonly clock: Clock
  random(): number
  /** There is another token than the one in use. */
  renewed(token: string): void
  problem(error: DustError): void
}

/** A source that fails, or gives the same token or one that is of no use, is asked again ever later. */
const PATIENCE_MS = 30_000
const MAX_PATIENCE_MS = 600_000
/** So young a token was asked for just now, and another one would not be better. */
const YOUNG_MS = 15_000
/** Timers of browsers take 24 days; and the clock may be set meanwhile. */
const MAX_TIMER_MS = 3_600_000
/** An answer that does not come by then is not waited for. */
const ANSWER_MS = 60_000

export function createTokenRenewal(options: TokenRenewalOptions): TokenRenewal {
  const { keeper, clock, random } = options
  const due = createAlarm(clock)
  const answer = createAlarm(clock)
  const young = createAlarm(clock)
  const patience = createBackoff({ baseMs: PATIENCE_MS, capMs: MAX_PATIENCE_MS, jitter: 'half', random })
  let inUse: string | undefined
  let patient = false
  /** Which question is open: an answer to an earlier one is not heard. */
  let question = 0

  const plan = (): void => {
    const ms = keeper.renewInMs()
    if (ms === null) return
    // Out of date as soon as it was given: one of the clocks is wrong, or the function keeps an old one.
    if (ms === 0) {
      again()
      return
    }
    patience.reset()
    due.set(Math.min(Math.max(ms, YOUNG_MS), MAX_TIMER_MS), ms > MAX_TIMER_MS ? plan : ask)
  }

  const again = (): void => {
    if (patient) return
    patient = true
    due.set(patience.next(), ask)
  }

  const use = (token: string): void => {
    inUse = token
    young.set(YOUNG_MS, () => {})
    plan()
  }

  const ask = (): void => {
    patient = false
    due.clear()
    question += 1
    const asked = question
    const settle = (): boolean => {
      if (asked !== question) return false
      question += 1
      answer.clear()
      return true
    }
    answer.set(ANSWER_MS, () => {
      if (settle()) again()
    })
    keeper.ask({
      token(token) {
        if (!settle()) return
        if (token === inUse) again()
        else {
          use(token)
          options.renewed(token)
        }
      },
      failed(error) {
        if (!settle()) return
        options.problem(error)
        again()
      },
    })
  }

  return {
    opened(token) {
      if (keeper.renewable) use(token)
    },
    turnedDown() {
      keeper.turnedDown()
      if (inUse === undefined || answer.active) return
      if (young.active) again()
      else ask()
    },
    lost() {
      inUse = undefined
      patient = false
      question += 1
      for (const alarm of [due, answer, young]) alarm.clear()
    },
  }
}

import { type Clock, steadyNow } from '@dustlayer/sync'
import type { HeldLock, Locks } from '../tab/locks.js'

/** Takes the lead from a leader that gives no sign of life; of several tabs that want to, one does. */
export interface Deposing {
  attempt(): void
  stop(): void
}

export interface DeposingOptions {
  readonly locks: Locks
  /** The lock of the one tab that does it. */
  readonly lock: string
  readonly clock: Clock
  /** Asked again when it is this tab's turn. */
  isSilent(): boolean
  seize(): void
}

/** Long enough for the new leader's announcement to have reached the others. */
const TURN_MS = 1_000

/** A tab that was frozen in its turn is passed over then. */
const REFUSALS = 3

/** Attempts on one leader follow each other faster; what came before was about another one. */
const FORGOTTEN_AFTER_MS = 10_000

export function createDeposing({ locks, lock, clock, isSilent, seize }: DeposingOptions): Deposing {
  let attempting = false
  let stopped = false
  let refusals = 0
  let refusedAt = 0
  let turn: { readonly held: HeldLock; readonly cancel: () => void } | undefined

  const takeTurn = async (): Promise<HeldLock | undefined> => {
    const held = await locks.tryAcquire(lock)
    if (held) return held
    if (steadyNow(clock) - refusedAt > FORGOTTEN_AFTER_MS) refusals = 0
    refusedAt = steadyNow(clock)
    refusals += 1
    return refusals < REFUSALS ? undefined : locks.steal(lock)
  }

  const endTurn = (): void => {
    turn?.cancel()
    turn?.held.release()
    turn = undefined
  }

  const begin = (held: HeldLock | undefined): void => {
    if (!held) return
    refusals = 0
    turn = { held, cancel: clock.setTimer(TURN_MS, endTurn) }
    if (stopped) endTurn()
    else if (isSilent()) seize()
  }

  return {
    attempt() {
      if (attempting || turn) return
      attempting = true
      takeTurn()
        .then(begin)
        // Without locks there is nothing to take; the next look tries again.
        .catch(() => undefined)
        .finally(() => {
          attempting = false
        })
    },
    stop() {
      stopped = true
      endTurn()
    },
  }
}

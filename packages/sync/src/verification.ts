import { ClosedError, DustError, parseDigestReply, UnavailableError } from '@dustlayer/protocol'
import type { Steps, SyncPort } from '@dustlayer/replica'
import { createBackoff } from './backoff.js'
import { type Clock, createAlarm, steadyNow } from './clock.js'
import type { Problems } from './problems.js'
import type { Requests } from './requests.js'

/** After a copy that differs again right after it was built anew, the next look. */
const DISTRUST_MS = 60_000
const MAX_DISTRUST_MS = 3_600_000
/** So often the question is put again when what was compared was not of one moment. */
const MAX_TRIES = 3
const TRY_AGAIN_MS = 1_000
/** To read all of a large copy takes seconds: after so long whatever else there is to do has its turn. */
const SLICE_MS = 30

/**
 * - `equal`: the copy is what the server has.
 * - `resynced`: it was not, and has been built anew.
 * - `unsupported`: the server cannot tell.
 */
export type Verified = 'equal' | 'resynced' | 'unsupported'

/** Compares the confirmed state with the server's by their digests, and heals a difference. */
export interface Verification {
  verify(): Promise<Verified>
  /** The store is live: compares by itself when it is time. */
  live(): void
  /** It is not any more. */
  lost(): void
  close(): void
}

export interface VerificationOptions {
  readonly store: string
  readonly port: Pick<SyncPort, 'digest' | 'digestSteps'>
  readonly clock: Clock
  readonly requests: Pick<Requests, 'send'>
  readonly problems: Pick<Problems, 'report'>
  /** The time between two comparisons that are made by themselves; milliseconds. */
  readonly everyMs: number
  /** The time before the first of them; milliseconds. */
  readonly firstAfterMs: number
  random(): number
  /** Whether the server of this join can tell a digest. */
  supported(): boolean
  /** Why the server cannot be asked now; null when it can. */
  unavailable(): DustError | null
  /** Runs what may fail because of the replica or the server; that ends the join, and nothing else. */
  guarded(run: () => void): void
  /** Applies what has come. */
  drain(): void
  /** Everything up to here is in the confirmed state. */
  cursor(): number
  /** The server's log reaches this far. */
  expect(seq: number): void
  /** Builds the copy anew, beginning at once. */
  resync(reason: string): void
}

interface Waiter {
  resolve(verified: Verified): void
  reject(reason: unknown): void
}

const DIFFERENT = 'its digest differs from the server’s'

export function createVerification(options: VerificationOptions): Verification {
  const { store, port, requests, problems, everyMs, firstAfterMs } = options
  const next = createAlarm(options.clock)
  const repeat = createAlarm(options.clock)
  const goOn = createAlarm(options.clock)
  const distrust = createBackoff({
    baseMs: DISTRUST_MS,
    capMs: Math.max(everyMs, MAX_DISTRUST_MS),
    jitter: 'half',
    random: options.random,
  })
  let busy = false
  let waited = firstAfterMs === 0
  /** Who waits for the comparison that is under way, and who for the end of a rebuild. */
  let asking: Waiter[] = []
  let healing: Waiter[] = []
  /** The copy was built anew because of a difference, and has not been found equal since. */
  let healed = false

  const settle = (tell: (waiter: Waiter) => void): void => {
    busy = false
    const told = asking
    asking = []
    for (const waiter of told) tell(waiter)
  }

  const failed = (error: DustError): void => settle((waiter) => waiter.reject(error))

  const undecided = (): void => {
    next.set(distrust.next(), live)
    failed(noAnswer(store))
  }

  const equal = (): void => {
    healed = false
    distrust.reset()
    next.set(everyMs, live)
    settle((waiter) => waiter.resolve('equal'))
  }

  const different = (): void => {
    // Somebody who asks gets it healed; by itself it would be a loop.
    if (healed && asking.length === 0) {
      busy = false
      healed = false
      problems.report(
        new DustError('resync_failed', `${store} was built anew, and ${DIFFERENT} again.`, { store }),
      )
      next.set(distrust.next(), live)
      return
    }
    healed = true
    healing.push(...asking)
    asking = []
    busy = false
    options.resync(DIFFERENT)
  }

  const askAgain = (tries: number): void => {
    if (tries > 1) repeat.set(TRY_AGAIN_MS, () => ask(tries - 1))
    else undecided()
  }

  const inSlices = (steps: Steps<string>, done: (digest: string) => void): void => {
    const { clock } = options
    const end = steadyNow(clock) + SLICE_MS
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) {
        done(step.value)
        return
      }
      if (steadyNow(clock) >= end) break
    }
    goOn.set(0, () => options.guarded(() => inSlices(steps, done)))
  }

  const compare = (seq: number, theirs: string, tries: number): void => {
    const judge = (ours: string): void => (ours === theirs ? equal() : different())
    // Where there is always something new, only what is read in one go is of one moment.
    if (tries === 1) judge(port.digest())
    else inSlices(port.digestSteps(), (ours) => (options.cursor() === seq ? judge(ours) : askAgain(tries)))
  }

  const ask = (tries: number): void => {
    requests.send('digest', {}, ({ reply, error }) => {
      if (error) failed(error)
      else if (reply.status === 'error') undecided()
      else
        options.guarded(() => {
          const { seq, digest } = parseDigestReply(reply.response)
          // The answer comes after all events up to its seq, but those may still wait to be applied.
          options.drain()
          if (options.cursor() !== seq) {
            options.expect(seq)
            askAgain(tries)
          } else compare(seq, digest, tries)
        })
    })
  }

  const start = (): void => {
    if (busy) return
    busy = true
    ask(MAX_TRIES)
  }

  const live = (): void => {
    const done = healing
    healing = []
    for (const { resolve } of done) resolve('resynced')
    if (next.active || !options.supported() || options.unavailable() !== null) return
    if (waited) start()
    else next.set(firstAfterMs, live)
    waited = true
  }

  return {
    verify: () =>
      new Promise((resolve, reject) => {
        const why = options.unavailable()
        if (why) throw why
        if (!options.supported()) {
          resolve('unsupported')
          return
        }
        asking.push({ resolve, reject })
        start()
      }),
    live,
    lost() {
      for (const alarm of [repeat, goOn]) alarm.clear()
      failed(new UnavailableError(`${store}: the connection was lost while comparing.`, { store }))
    },
    close() {
      for (const alarm of [next, repeat, goOn]) alarm.clear()
      const closed = new ClosedError(`${store} is not synced any more.`)
      failed(closed)
      for (const { reject } of healing) reject(closed)
      healing = []
    },
  }
}

function noAnswer(store: string): UnavailableError {
  return new UnavailableError(`${store}: the server gave no digest that could be compared.`, { store })
}

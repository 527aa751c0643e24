import type { Clock } from '@dustlayer/sync'
import type { HeldLock, Locks } from '../tab/locks.js'

/** What a leader has to give back before it may let go of the lock. */
export interface Reign {
  close(): Promise<void>
}

/** A tab's candidacy for the instance's lock. Whoever holds it leads. */
export interface Leadership {
  /** Queued for the lock, and not leading. */
  readonly standing: boolean
  /** Queues for the lock, unless queued or leading already. */
  stand(): void
  /** Takes the lock from whoever holds it, in place of waiting for it. */
  seize(): void
  /** Stops leading, and queues again behind the others. */
  makeWay(): void
  /** Stops leading and begins again, without letting go of the lock: what was open cannot be used on. */
  beginAnew(): void
  /** Leaves the queue, or stops leading and then releases the lock. Resolves when nothing is held. */
  stepDown(): Promise<void>
}

export interface LeadershipOptions {
  readonly locks: Locks
  readonly lock: string
  readonly clock: Clock
  /** Called with the lock held. The lock is released when it fails, or when the signal has aborted. */
  lead(until: AbortSignal): Promise<Reign>
  /** Leading was not possible. It is tried again. */
  onFailure(error: unknown): void
}

interface Term {
  readonly end: AbortController
  over: Promise<void>
  /** Ends the wait in the queue. */
  queue: AbortController | undefined
  reign: AbortController | undefined
  steal: boolean
  /** The lock is kept when the reign ends. */
  again: boolean
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000

export function createLeadership({ locks, lock, clock, lead, onFailure }: LeadershipOptions): Leadership {
  let term: Term | undefined

  /** Undefined when the term has ended before there was a lock. */
  const obtain = async (term: Term): Promise<HeldLock | undefined> => {
    while (!term.end.signal.aborted) {
      if (term.steal) {
        term.steal = false
        return locks.steal(lock)
      }
      term.queue = new AbortController()
      const { signal } = term.queue
      try {
        return await locks.acquire(lock, signal)
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        term.queue = undefined
      }
    }
    return undefined
  }

  const reignOnce = async (held: HeldLock, term: Term): Promise<void> => {
    term.reign = new AbortController()
    term.again = false
    const until = firstOf(term.end.signal, held.lost, term.reign.signal)
    try {
      const reign = await lead(until.signal)
      await aborted(until.signal)
      await reign.close()
    } catch (error) {
      if (!until.signal.aborted) throw error
    } finally {
      until.forget()
      term.reign = undefined
    }
  }

  /** Reigns as long as the lock is to be kept; what breaks down again and again is given more and more time. */
  const reignOn = async (held: HeldLock, term: Term): Promise<void> => {
    const over = firstOf(term.end.signal, held.lost)
    try {
      for (let breakdowns = 0; ; breakdowns++) {
        const begun = clock.now()
        await reignOnce(held, term)
        if (!term.again || over.signal.aborted) return
        if (clock.now() - begun > LONGEST_RETRY_MS) breakdowns = 0
        if (breakdowns > 0)
          await pause(clock, Math.min(FIRST_RETRY_MS * 2 ** breakdowns, LONGEST_RETRY_MS), over.signal)
        if (over.signal.aborted) return
      }
    } finally {
      over.forget()
      held.release()
    }
  }

  const serve = async (term: Term): Promise<void> => {
    const end = term.end.signal
    for (let failures = 0; !end.aborted; ) {
      try {
        const held = await obtain(term)
        if (!held) return
        await reignOn(held, term)
        failures = 0
      } catch (error) {
        onFailure(error)
        // Another tab may be able to, or what is in the way may go.
        await pause(clock, Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS), end)
        failures += 1
      }
    }
  }

  return {
    get standing() {
      return term?.queue !== undefined
    },
    stand() {
      if (term) return
      term = {
        end: new AbortController(),
        over: Promise.resolve(),
        queue: undefined,
        reign: undefined,
        steal: false,
        again: false,
      }
      term.over = serve(term)
    },
    seize() {
      if (!term?.queue) return
      term.steal = true
      term.queue.abort()
    },
    makeWay: () => term?.reign?.abort(),
    beginAnew() {
      if (!term?.reign || term.reign.signal.aborted) return
      term.again = true
      term.reign.abort()
    },
    async stepDown() {
      const ending = term
      if (!ending) return
      ending.end.abort()
      ending.queue?.abort()
      await ending.over
      if (term === ending) term = undefined
    },
  }
}

/** A signal that aborts with the first of several; `AbortSignal.any` is too young for Safari 16. */
function firstOf(...signals: readonly AbortSignal[]): { signal: AbortSignal; forget(): void } {
  const either = new AbortController()
  const abort = (): void => either.abort()
  for (const signal of signals) {
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
  }
  return {
    signal: either.signal,
    forget() {
      for (const signal of signals) signal.removeEventListener('abort', abort)
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function pause(clock: Clock, ms: number, end: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      end.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.setTimer(ms, done)
    end.addEventListener('abort', done)
  })
}

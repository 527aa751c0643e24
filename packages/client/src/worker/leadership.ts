import { type Clock, steadyNow } from '@dustlayer/sync'
import { withDeadline } from '../storage/deadline.js'
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
  /**
   * Stops leading and begins again, without letting go of the lock: what was open cannot be used on. What happens
   * again and again is given more and more time, unless it is excused.
   */
  beginAnew(options?: { readonly excused: boolean }): void
  /** Leaves the queue, or stops leading and then releases the lock. Resolves when nothing is held. */
  stepDown(): Promise<void>
  /** The same, but the lock stays with the caller if this tab had it. */
  abdicate(): Promise<HeldLock | undefined>
}

export interface LeadershipOptions {
  readonly locks: Locks
  readonly lock: string
  readonly clock: Clock
  /** What takes long, and needs no lock. Called each time before the queue; it may fail, as leading may. */
  prepare(): Promise<unknown>
  /** Called with the lock held. The lock is released when it fails, or when the signal has aborted. */
  lead(until: AbortSignal): Promise<Reign>
  /** Leading was not possible, so many times in a row. It is tried again. */
  onFailure(error: unknown, inARow: number): void
  /** A reign could not be closed, or not in time: what it had open may be so still, and the lock is released. */
  onUnclosed(error: unknown): void
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
  excused: boolean
  /** Whoever ends the term wants to have the lock. */
  keep: boolean
  kept: HeldLock | undefined
}

/** More than all the deadlines within. */
const CLOSING_MS = 10_000

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000

export function createLeadership(options: LeadershipOptions): Leadership {
  const { locks, lock, clock, prepare, lead, onFailure, onUnclosed } = options
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
        const held = await locks.acquire(lock, signal)
        // Granted in the moment in which it was to be taken away: there is nothing to take any more.
        term.steal = false
        return held
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
      await withDeadline(reign.close(), CLOSING_MS, clock, 'closing the local database').catch(onUnclosed)
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
        const begun = steadyNow(clock)
        await reignOnce(held, term)
        if (!term.again || over.signal.aborted) return
        if (term.excused || steadyNow(clock) - begun > LONGEST_RETRY_MS) breakdowns = 0
        if (breakdowns > 0)
          await pause(clock, Math.min(FIRST_RETRY_MS * 2 ** breakdowns, LONGEST_RETRY_MS), over.signal)
        if (over.signal.aborted) return
      }
    } finally {
      over.forget()
      if (term.keep && !held.lost.aborted) term.kept = held
      else held.release()
    }
  }

  const serve = async (term: Term): Promise<void> => {
    const end = term.end.signal
    for (let failures = 0; !end.aborted; ) {
      try {
        await unlessAborted(prepare(), end)
        const held = await obtain(term)
        if (!held) return
        await reignOn(held, term)
        failures = 0
      } catch (error) {
        failures += 1
        onFailure(error, failures)
        // Another tab may be able to, or what is in the way may go.
        await pause(clock, Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS), end)
      }
    }
  }

  const endTerm = async (ending: Term): Promise<void> => {
    ending.end.abort()
    ending.queue?.abort()
    await ending.over
    if (term === ending) term = undefined
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
        excused: false,
        keep: false,
        kept: undefined,
      }
      term.over = serve(term)
    },
    seize() {
      if (!term?.queue) return
      term.steal = true
      term.queue.abort()
    },
    makeWay: () => term?.reign?.abort(),
    beginAnew({ excused } = { excused: false }) {
      if (!term?.reign || term.reign.signal.aborted) return
      term.again = true
      term.excused = excused
      term.reign.abort()
    },
    async stepDown() {
      if (term) await endTerm(term)
    },
    async abdicate() {
      const ending = term
      if (!ending) return undefined
      ending.keep = true
      await endTerm(ending)
      return ending.kept
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

/** Resolves also when the signal aborts first. */
function unlessAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve()
    signal.addEventListener('abort', abort)
    promise.then(() => resolve(), reject).finally(() => signal.removeEventListener('abort', abort))
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

import type { Locks } from '../tab/locks.js'

/** What a leader has to give back before it may let go of the lock. */
export interface Reign {
  close(): Promise<void>
}

/** A tab's candidacy for the instance's lock. Whoever holds it leads. */
export interface Leadership {
  /** Queues for the lock, unless queued or leading already. */
  stand(): void
  /** Leaves the queue, or stops leading and then releases the lock. Resolves when nothing is held. */
  stepDown(): Promise<void>
}

export interface LeadershipOptions {
  readonly locks: Locks
  readonly lock: string
  /** Called with the lock held. The lock is released when it fails. */
  lead(): Promise<Reign>
  /** Leading was not possible. */
  onFailure(error: unknown): void
}

export function createLeadership({ locks, lock, lead, onFailure }: LeadershipOptions): Leadership {
  let term: { readonly end: AbortController; readonly over: Promise<void> } | undefined

  const serve = async (signal: AbortSignal): Promise<void> => {
    let release: () => void
    try {
      release = await locks.acquire(lock, signal)
    } catch (error) {
      if (!signal.aborted) onFailure(error)
      return
    }
    try {
      const reign = await lead()
      await aborted(signal)
      await reign.close()
    } catch (error) {
      onFailure(error)
    } finally {
      release()
    }
  }

  return {
    stand() {
      if (term) return
      const end = new AbortController()
      term = { end, over: serve(end.signal) }
    },
    async stepDown() {
      const ending = term
      if (!ending) return
      ending.end.abort()
      await ending.over
      if (term === ending) term = undefined
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

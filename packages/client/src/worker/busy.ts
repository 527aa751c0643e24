/**
 * Tells beforehand that this worker is about to do something that it cannot interrupt, so that nobody takes it for
 * dead: neither the other tabs, which would take the lead from it, nor its page, which would end it.
 */
export interface Busy {
  /** Until the returned function is called. */
  begin(): () => void
  during<T>(work: () => T): T
}

export interface BusyOptions {
  /** Whether there is such work; told when that changes. */
  announce(busy: boolean): void
  /** Runs a function in a later turn. */
  defer(run: () => void): void
}

export function createBusy({ announce, defer }: BusyOptions): Busy {
  let works = 0

  const end = (): void => {
    works -= 1
    if (works === 0) announce(false)
  }

  const begin: Busy['begin'] = () => {
    works += 1
    if (works === 1) announce(true)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      // What comes of it is sent at the end of this turn, and may be large.
      defer(end)
    }
  }

  return {
    begin,
    during(work) {
      const end = begin()
      try {
        return work()
      } finally {
        end()
      }
    },
  }
}

/** Time as the sync client sees it; a simulator brings its own. */
export interface Clock {
  /** Epoch milliseconds, for what is shown to people. Nothing is decided by it. */
  now(): number
  /** Runs `run` once after `ms` milliseconds, never before this call has returned. The result cancels it. */
  setTimer(ms: number, run: () => void): () => void
}

/** The timers of the environment, handed over because this package touches no globals. */
export interface TimerFunctions<Timer> {
  setTimeout(run: () => void, ms: number): Timer
  clearTimeout(timer: Timer): void
  now(): number
}

/**
 * The clock of a browser, a worker or Node.
 * @example createClock({ setTimeout, clearTimeout, now: Date.now })
 */
export function createClock<Timer>({ setTimeout, clearTimeout, now }: TimerFunctions<Timer>): Clock {
  return {
    now: () => now(),
    setTimer(ms, run) {
      // Called as plain functions: browsers refuse timers with another receiver.
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
  }
}

/** One timer with an owner: setting it again replaces it. */
export interface Alarm {
  readonly active: boolean
  set(ms: number, run: () => void): void
  clear(): void
}

export function createAlarm(clock: Clock): Alarm {
  let cancel: (() => void) | undefined
  const clear = (): void => {
    cancel?.()
    cancel = undefined
  }
  return {
    get active() {
      return cancel !== undefined
    },
    set(ms, run) {
      clear()
      cancel = clock.setTimer(ms, () => {
        cancel = undefined
        run()
      })
    },
    clear,
  }
}

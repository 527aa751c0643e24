/** Time as the sync client sees it; a simulator brings its own. */
export interface Clock {
  /** Epoch milliseconds: for what is shown to people, for when a token expires, and to notice that the machine slept. */
  now(): number
  /** Milliseconds since some moment, never set back; where there is none, a jump of `now` alone tells of a sleep. */
  monotonic?(): number
  /** Runs `run` once after `ms` milliseconds, never before this call has returned. The result cancels it. */
  setTimer(ms: number, run: () => void): () => void
}

/** Browsers and Node run timers beyond this at once; who waits so long hears a little early, after 24 days. */
const LONGEST_MS = 2 ** 31 - 1

/** The timers of the environment, handed over because this package touches no globals. */
export interface TimerFunctions<Timer> {
  setTimeout(run: () => void, ms: number): Timer
  clearTimeout(timer: Timer): void
  now(): number
  monotonic?(): number
}

/**
 * The clock of a browser, a worker or Node.
 * @example createClock({ setTimeout, clearTimeout, now: Date.now, monotonic: () => performance.now() })
 */
export function createClock<Timer>(functions: TimerFunctions<Timer>): Clock {
  const { setTimeout, clearTimeout, now, monotonic } = functions
  return {
    now: () => now(),
    ...(monotonic && { monotonic: () => monotonic() }),
    setTimer(ms, run) {
      // Called as plain functions: browsers refuse timers with another receiver.
      const timer = setTimeout(run, Math.min(ms, LONGEST_MS))
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

/** Milliseconds to measure how long something takes: those of the epoch would not do, since a clock can be set. */
export function steadyNow(clock: Clock): number {
  return clock.monotonic?.() ?? clock.now()
}

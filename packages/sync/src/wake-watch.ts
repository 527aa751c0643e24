import { type Clock, createAlarm } from './clock.js'

/** Notices that the machine, or this worker, has slept: no event tells it. */
export interface WakeWatch {
  start(): void
  stop(): void
}

const TICK_MS = 10_000
/** Timers of a busy worker are late by less. */
const LATE_MS = 5_000

/**
 * A coarse timer that compares how long a tick took, by the wall clock and by the monotonic one, with what it should
 * have taken. Both are needed: some systems stop the monotonic clock while they sleep, and a wall clock can be set
 * back by as much as the sleep was long.
 */
export function createWakeWatch(clock: Clock, onWake: () => void): WakeWatch {
  const alarm = createAlarm(clock)
  const monotonic = (): number => clock.monotonic?.() ?? 0

  const tick = (): void => {
    const wall = clock.now()
    const steady = monotonic()
    alarm.set(TICK_MS, () => {
      const late = Math.max(clock.now() - wall, monotonic() - steady) - TICK_MS
      tick()
      if (late > LATE_MS) onWake()
    })
  }

  return { start: tick, stop: alarm.clear }
}

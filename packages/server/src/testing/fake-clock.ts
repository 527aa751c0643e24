import type { Clock } from '../clock.js'

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  advance(ms: number): void
  /** Moves the wall clock only, as a correction of the system's time does. */
  jump(ms: number): void
}

export function createFakeClock(start = 1_800_000_000_000): FakeClock {
  let now = start
  let monotonic = start
  return {
    now: () => now,
    monotonic: () => monotonic,
    advance(ms) {
      now += ms
      monotonic += ms
    },
    jump(ms) {
      now += ms
    },
  }
}

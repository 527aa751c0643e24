import { type Clock, createAlarm } from './clock.js'

/** How long an event may be missing before it is asked for. */
const GAP_MS = 1_000

/** Catch-up fills gaps by itself; afterwards one that stays means that an event will not come. */
export interface GapWatch {
  /** There is a gap behind this store_seq. */
  open(cursor: number): void
  closed(): void
}

export function createGapWatch(clock: Clock, onMissing: () => void): GapWatch {
  const alarm = createAlarm(clock)
  let at = -1
  return {
    open(cursor) {
      if (alarm.active && at === cursor) return
      at = cursor
      alarm.set(GAP_MS, onMissing)
    },
    closed: alarm.clear,
  }
}

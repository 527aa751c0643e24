import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'

const MAX_WAIT_MS = 600_000
/** So long without a rebuild, and the next is the first again. */
const CALM_MS = 3_600_000

/** Keeps rebuilds of the local copy apart: each costs the whole store, and what caused one may go on causing them. */
export interface ResyncPace {
  /** One is about to begin: the milliseconds that it has to wait. None for the first. */
  next(): number
  close(): void
}

export function createResyncPace({ clock, random }: { readonly clock: Clock; random(): number }): ResyncPace {
  const waits = createBackoff({ baseMs: 5_000, capMs: MAX_WAIT_MS, jitter: 'half', random })
  const calm = createAlarm(clock)
  return {
    next() {
      const waitMs = calm.active ? waits.next() : 0
      calm.set(waitMs + CALM_MS, waits.reset)
      return waitMs
    },
    close: calm.clear,
  }
}

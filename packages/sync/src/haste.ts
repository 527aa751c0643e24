import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'

/**
 * How often somebody outside may bring an attempt on: the first is granted at once, and the next ones at distances that
 * grow as those of any other attempts, however many wish for one.
 */
export interface Haste {
  /** Granted now, or when it is time; of several wishes that wait, one is. */
  wish(): void
  /** The next wish is the first again. */
  reset(): void
  /** Nothing is granted of what was wished. */
  clear(): void
}

export interface HasteOptions {
  readonly clock: Clock
  random(): number
  /** `first`: nobody has wished for anything for a while. */
  granted(first: boolean): void
}

const MAX_DISTANCE_MS = 30_000
/** So long without a grant, and the next is the first. */
const CALM_MS = 60_000

export function createHaste({ clock, random, granted }: HasteOptions): Haste {
  const distances = createBackoff({ baseMs: 2_000, capMs: MAX_DISTANCE_MS, jitter: 'half', random })
  const distance = createAlarm(clock)
  const calm = createAlarm(clock)
  let wished = false

  const grant = (): void => {
    const first = !calm.active
    wished = false
    distance.set(distances.next(), () => {
      if (wished) grant()
    })
    calm.set(CALM_MS, distances.reset)
    granted(first)
  }

  const clear = (): void => {
    wished = false
    for (const alarm of [distance, calm]) alarm.clear()
    distances.reset()
  }

  return {
    wish() {
      wished = true
      if (!distance.active) grant()
    },
    reset() {
      const waiting = wished
      clear()
      if (waiting) grant()
    },
    clear,
  }
}

import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'
import { createHaste } from './haste.js'

/** An open connection that lasted so long ends a series of failures; of refusals and faults, the second. */
const HEALTHY_MS = 10_000
const CALM_MS = 60_000
/** After a failed attempt, no sign from outside begins another one sooner. */
const FLOOR_MS = 1_000
/** Browsers are sometimes wrong about having no network. */
const OFFLINE_RETRY_MS = 60_000

/** When attempts to connect begin: by themselves at growing distances, and because of signs from outside. */
export interface Pace {
  /** Whether the connection that is open has lasted long enough to count as a good one. */
  readonly lasted: boolean
  /** An attempt has begun: none is waited for. */
  begun(): void
  /** It has led to a connection. */
  opened(): void
  /** Forgets what was waited for and what was open. */
  clear(): void
  /** Attempts come no sooner than this. */
  failed(atLeastMs: number): void
  refused(): void
  /** Whatever anybody wishes, the next attempt has to wait. */
  faulty(): void
  /** An open connection is gone. Gives the milliseconds until the next attempt. */
  lost(lasted: boolean): number
  /** The machine has no network; there is an attempt now and then all the same. */
  offline(): void
  /** A sign from outside: `granted` is called now, or when signs may bring an attempt on again. */
  wish(): void
  /** What failed before the sign was in another world. */
  forgive(): void
  forgiveRefusals(): void
  /** Whether an attempt may begin because of a sign; if not, one begins as soon as it may. */
  mayHurry(): boolean
  /** The same for an attempt that the user asks for: only the server may put that off. */
  mayInsist(): boolean
  /** Nobody wishes for anything any more. */
  stop(): void
}

export interface PaceOptions {
  readonly clock: Clock
  random(): number
  online(): boolean
  /** It is time for the next attempt. */
  due(): void
  granted(first: boolean): void
}

export function createPace({ clock, random, online, due, granted }: PaceOptions): Pace {
  const failures = createBackoff({ baseMs: 500, capMs: 30_000, jitter: 'full', random })
  const refusals = createBackoff({ baseMs: 2_000, capMs: 60_000, jitter: 'half', random })
  const haste = createHaste({ clock, random, granted })
  const retry = createAlarm(clock)
  const healthy = createAlarm(clock)
  const calm = createAlarm(clock)
  /** While it is set, no attempt begins because of a sign; `hurried`: one does when it ends. */
  const floor = createAlarm(clock)
  let hurried = false
  /** The floor is the server's wish. */
  let banned = false

  const next = (ms: number, floorMs = FLOOR_MS): void => {
    if (floorMs > 0)
      floor.set(floorMs, () => {
        if (hurried) due()
      })
    retry.set(online() ? ms : Math.max(ms, OFFLINE_RETRY_MS), due)
  }

  const begun = (): void => {
    hurried = false
    banned = false
    retry.clear()
    floor.clear()
  }

  const hold = (): boolean => {
    hurried = true
    return false
  }

  return {
    get lasted() {
      return !healthy.active
    },
    begun,
    opened() {
      healthy.set(HEALTHY_MS, () => {
        failures.reset()
        haste.reset()
      })
      calm.set(CALM_MS, refusals.reset)
    },
    clear() {
      begun()
      healthy.clear()
      calm.clear()
    },
    failed(atLeastMs) {
      next(failures.next(atLeastMs), Math.max(atLeastMs, FLOOR_MS))
      banned = atLeastMs > 0
    },
    refused: () => next(refusals.next()),
    faulty() {
      const wait = refusals.next()
      next(wait, wait)
    },
    lost(lasted) {
      const wait = failures.next()
      next(wait, lasted ? 0 : FLOOR_MS)
      return wait
    },
    offline: () => retry.set(OFFLINE_RETRY_MS, due),
    wish: haste.wish,
    forgive: failures.reset,
    forgiveRefusals: refusals.reset,
    mayHurry: () => !floor.active || hold(),
    mayInsist: () => !(floor.active && banned) || hold(),
    stop: haste.clear,
  }
}

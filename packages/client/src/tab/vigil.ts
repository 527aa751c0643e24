import type { Clock } from '@dustlayer/sync'

/** A follower's watch over its leader. */
export interface Vigil {
  /** A sign of life. */
  heard(): void
  /** Whether the leader works on something that it cannot interrupt; it may be silent for {@link BUSY_MS} then. */
  expect(busy: boolean): void
  /** Whether the leader has been silent for as long as it may. */
  readonly silent: boolean
  stop(): void
}

export interface VigilOptions {
  readonly clock: Clock
  /** The leader is asked for a sign of life. */
  onQuiet(): void
  /** It has given none; told again after the same time. */
  onSilent(): void
  /** Each time that the watch looks. */
  onLook(): void
}

/** Leaders give a sign of life at least this often. */
export const BEAT_MS = 1_000

export const LOOK_MS = 500
const QUIET_AFTER = 3
const SILENT_AFTER = 6

/** How long a leader that has said so may be silent: on a slow device, one statement over a large store takes that. */
export const BUSY_MS = 15_000

/**
 * Silence is counted in looks, not in time: after a sleep of this tab, or of the whole machine, a single look has
 * passed, and the leader gets the same chance to answer as ever.
 */
export function createVigil({ clock, onQuiet, onSilent, onLook }: VigilOptions): Vigil {
  let quiet = 0
  let silent = false
  let silentAfter = SILENT_AFTER

  const look = (): void => {
    cancel = clock.setTimer(LOOK_MS, look)
    quiet += 1
    onLook()
    if (quiet === QUIET_AFTER) onQuiet()
    if (quiet < silentAfter) return
    quiet = 0
    silent = true
    onSilent()
  }
  let cancel = clock.setTimer(LOOK_MS, look)

  return {
    heard() {
      quiet = 0
      silent = false
    },
    expect(busy) {
      silentAfter = busy ? BUSY_MS / LOOK_MS : SILENT_AFTER
    },
    get silent() {
      return silent
    },
    stop: () => cancel(),
  }
}

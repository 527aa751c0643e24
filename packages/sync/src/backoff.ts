/** How long to wait before the next attempt, growing from one failure to the next. */
export interface Backoff {
  /** Milliseconds until the next attempt; at least what the server asked for, but never above an hour. */
  next(atLeastMs?: number): number
  /** Begins anew, after a success that lasted. */
  reset(): void
}

export interface BackoffOptions {
  /** The ceiling of the first wait; it doubles with each. */
  readonly baseMs: number
  readonly capMs: number
  /**
   * `full`: anywhere below the ceiling, which spreads a crowd best. `half`: in its upper half, so that every wait
   * is longer than the one before.
   */
  readonly jitter: 'full' | 'half'
  /** A number in [0, 1). */
  random(): number
}

/** No wish of a server keeps a client away for longer; timers of browsers take 24 days at most. */
const MAX_WAIT_MS = 3_600_000

export function createBackoff({ baseMs, capMs, jitter, random }: BackoffOptions): Backoff {
  let ceiling = baseMs
  return {
    next(atLeastMs = 0) {
      const wait = jitter === 'full' ? random() * ceiling : ceiling / 2 + (random() * ceiling) / 2
      ceiling = Math.min(ceiling * 2, capMs)
      return Math.max(Math.round(wait), Math.min(atLeastMs, MAX_WAIT_MS))
    },
    reset() {
      ceiling = baseMs
    },
  }
}

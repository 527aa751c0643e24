import type { Clock } from './clock.js'

/** Counts the writes of each token in fixed windows of a minute (spec/wire.md §11). */
export interface RateLimiter {
  /**
   * Counts one write, or a batch of `cost` writes. Milliseconds to wait when the window is used up, undefined when it
   * may go on; a batch may go on as long as anything is left, as a large one would never pass otherwise.
   */
  hit(tokenId: string, cost?: number): number | undefined
}

const WINDOW_MS = 60_000

/** `perMinute` 0 means no limit. */
export function createRateLimiter(perMinute: number, clock: Clock): RateLimiter {
  let window = 0
  let hits = new Map<string, number>()
  return {
    hit(tokenId, cost = 1) {
      if (perMinute === 0) return undefined
      const now = clock.now()
      const current = Math.floor(now / WINDOW_MS)
      if (current !== window) {
        window = current
        hits = new Map()
      }
      const before = hits.get(tokenId) ?? 0
      hits.set(tokenId, before + cost)
      return before >= perMinute ? (current + 1) * WINDOW_MS - now : undefined
    },
  }
}

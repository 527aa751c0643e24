import type { Clock } from './clock.js'

/** Counts the writes of each token in fixed windows of a minute (spec/wire.md §11). */
export interface RateLimiter {
  /** Counts one write. Milliseconds to wait when the window is used up, undefined when the write may go on. */
  hit(tokenId: string): number | undefined
}

const WINDOW_MS = 60_000

/** `perMinute` 0 means no limit. */
export function createRateLimiter(perMinute: number, clock: Clock): RateLimiter {
  let window = 0
  let hits = new Map<string, number>()
  return {
    hit(tokenId) {
      if (perMinute === 0) return undefined
      const now = clock.now()
      const current = Math.floor(now / WINDOW_MS)
      if (current !== window) {
        window = current
        hits = new Map()
      }
      const count = (hits.get(tokenId) ?? 0) + 1
      hits.set(tokenId, count)
      return count > perMinute ? (current + 1) * WINDOW_MS - now : undefined
    },
  }
}

import type { RateLimiter } from '@dustlayer/server/core'

/** A rate limit that strikes when it is told to. */
export interface Refusals extends RateLimiter {
  /** After `skip` more writes, refuses the next `times` ones, asking to wait so long. */
  limit(skip: number, times: number, retryAfterMs: number): void
  heal(): void
}

export function createRefusals(): Refusals {
  let limits: { skip: number; times: number; retryAfterMs: number }[] = []
  return {
    limit: (skip, times, retryAfterMs) => void limits.push({ skip, times, retryAfterMs }),
    hit() {
      const [limit] = limits
      if (!limit) return undefined
      if (limit.skip > 0) {
        limit.skip -= 1
        return undefined
      }
      limit.times -= 1
      if (limit.times <= 0) limits = limits.slice(1)
      return limit.retryAfterMs
    },
    heal() {
      limits = []
    },
  }
}

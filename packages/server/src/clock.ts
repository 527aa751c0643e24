/** Time as the server sees it. Injected, so that leases and expiry can be tested without waiting. */
export interface Clock {
  /** Wall clock, epoch milliseconds: what clients see in `expires_at`. */
  now(): number
  /** Milliseconds from an arbitrary origin that never jump: what decides how long something lasts. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

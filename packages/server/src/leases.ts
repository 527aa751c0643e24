import { isObject, type JsonMap, type JsonValue } from '@dustlayer/protocol'
import type { Clock } from './clock.js'

/** Decides whether leases have run out (spec/semantics.md §6). */
export interface Leases {
  expired(path: string, lease: JsonMap): boolean
  /** A lease was granted or extended just now, by an op that is committed. */
  granted(path: string, lease: JsonValue): void
}

interface Deadline {
  readonly token: JsonValue
  readonly expiresAt: number
  /** On the monotonic clock. */
  readonly at: number
}

/**
 * Leases granted by this process end on the monotonic clock, whatever the wall clock does; others, from before a
 * restart, when the wall clock passes their `expires_at`. One without an integer `expires_at` never ends.
 */
export function createLeases(clock: Clock): Leases {
  const deadlines = new Map<string, Deadline>()
  return {
    expired(path, lease) {
      const expiresAt = lease.expires_at
      if (typeof expiresAt !== 'number' || !Number.isInteger(expiresAt)) return false
      const deadline = deadlines.get(path)
      // A lease that was written by a plain set must not inherit the deadline of another.
      if (deadline && deadline.expiresAt === expiresAt && deadline.token === lease.token) {
        return clock.monotonic() >= deadline.at
      }
      return expiresAt <= clock.now()
    },
    granted(path, lease) {
      if (!isObject(lease) || typeof lease.expires_at !== 'number') return
      const remaining = lease.expires_at - clock.now()
      forgetPast(deadlines, clock.monotonic())
      deadlines.set(path, {
        token: lease.token ?? null,
        expiresAt: lease.expires_at,
        at: clock.monotonic() + remaining,
      })
    },
  }
}

// A store that leases ever new paths would otherwise remember all of them.
const MAX_REMEMBERED = 10_000

function forgetPast(deadlines: Map<string, Deadline>, now: number): void {
  if (deadlines.size < MAX_REMEMBERED) return
  for (const [path, deadline] of deadlines) if (deadline.at <= now) deadlines.delete(path)
}

/** How many bytes may be under way to the server without an answer. */
export interface SendWindow {
  readonly bytes: number
  /** Something was answered, so long after it was sent. */
  answered(afterMs: number): void
}

const FIRST_BYTES = 32 * 1024
const MIN_BYTES = 8 * 1024
const MAX_BYTES = 256 * 1024
const FAST_MS = 1_000
const SLOW_MS = 5_000

/**
 * Grows while answers come soon and shrinks while they come late, so that on a slow link neither heartbeats nor what
 * others are waiting for stand behind minutes of writes.
 */
export function createSendWindow(): SendWindow {
  let bytes = FIRST_BYTES
  return {
    get bytes() {
      return bytes
    },
    answered(afterMs) {
      if (afterMs <= FAST_MS) bytes = Math.min(bytes * 2, MAX_BYTES)
      else if (afterMs >= SLOW_MS) bytes = Math.max(bytes / 2, MIN_BYTES)
    },
  }
}

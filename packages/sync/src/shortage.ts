import {
  type DustError,
  type FramePayload,
  StorageError,
  type StoreEventPayload,
  splitEventBatch,
} from '@dustlayer/protocol'
import { createBackoff } from './backoff.js'
import type { DataMessage } from './channel.js'
import { type Clock, createAlarm } from './clock.js'

/**
 * A time in which what the server sends does not fit on this device. It is not taken in then, only looked at: own ops
 * in it are in the log, and must not be sent again. All others go out as ever.
 */
export interface Shortage {
  /** Null while there is room. */
  readonly error: DustError | null
  /** Something did not fit; `retry` follows, later each time. `kept`: events that wait to be taken in. */
  note(error: DustError, kept: readonly StoreEventPayload[]): void
  /** A message that is not taken in. @throws FrameError when it is malformed. */
  skim(message: DataMessage, payload: FramePayload): void
  /** Whether the own op is in the log, as far as what was skimmed tells. */
  hasSeen(opId: string): boolean
  /** A new join brings everything anew, and tells whether it fits by now. */
  over(): void
  /** Everything fits again. */
  recovered(): void
  close(): void
}

export interface ShortageOptions {
  readonly clock: Clock
  random(): number
  /** Whose ops are own ones. */
  readonly deviceId: string
  /** There may be room again. */
  retry(): void
}

/** Whether an error says that something was not written for want of room. */
export function isNoRoom(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code === 'quota_exceeded'
}

export function createShortage({ clock, random, deviceId, retry }: ShortageOptions): Shortage {
  const waits = createBackoff({ baseMs: 5_000, capMs: 60_000, jitter: 'half', random })
  const next = createAlarm(clock)
  const seen = new Set<string>()
  let error: DustError | null = null

  const over = (): void => {
    error = null
    next.clear()
    seen.clear()
  }

  const look = (device: unknown, opId: unknown): void => {
    if (device === deviceId && typeof opId === 'string') seen.add(opId)
  }

  return {
    get error() {
      return error
    },
    note(why, kept) {
      error = why
      for (const { device_id: device, client_op_id: opId } of kept) look(device, opId)
      if (!next.active) next.set(waits.next(), retry)
    },
    skim(message, payload) {
      if (message === 'event') look(payload.device_id, payload.client_op_id)
      if (message === 'events') {
        for (const event of splitEventBatch(payload)) look(event.device_id, event.client_op_id)
      }
    },
    hasSeen: (opId) => seen.has(opId),
    over,
    recovered: waits.reset,
    close: over,
  }
}

import type { FramePayload } from '@dustlayer/protocol'
import { type Clock, createAlarm } from './clock.js'

/** How often the server is told, at most. */
const EVERY_MS = 30_000

/**
 * Tells the server how far this device has come (`ack_seq`), after catch-up and then now and then: it keeps its log
 * that far for the device's return.
 */
export interface ProgressReport {
  /** Everything that has come is applied, and the store is live. */
  live(): void
  /** The join is over. */
  lost(): void
}

export interface ProgressReportOptions {
  readonly clock: Clock
  /** Everything up to here is applied, durably. */
  cursor(): number
  push(event: string, payload: FramePayload): void
}

export function createProgressReport({ clock, cursor, push }: ProgressReportOptions): ProgressReport {
  const pause = createAlarm(clock)
  let told = -1

  const tell = (): void => {
    const seq = cursor()
    if (pause.active || seq === told) return
    told = seq
    push('ack_seq', { seq })
    pause.set(EVERY_MS, tell)
  }

  return {
    live: tell,
    lost() {
      pause.clear()
      told = -1
    },
  }
}

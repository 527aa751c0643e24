import type { DeviceCursor, DeviceTable } from './storage.js'

/** How far the devices of a store have come, by what they acknowledge (`ack_seq`). */
export interface DeviceCursors {
  acknowledge(deviceId: string, seq: number, now: number): void
  /** The lowest cursor from `above` on, of devices seen lately; Infinity when there is none. */
  lowest(above: number, now: number): number
  /** Stores what changed since the last time. */
  save(): void
}

/** A device that has not been heard of for so long has no claim on the log any more. */
const REMEMBERED_MS = 24 * 60 * 60 * 1_000
const MOST_DEVICES = 10_000

/** Kept in memory and stored now and then: a cursor that is lost costs a device a snapshot at most. */
export function createDeviceCursors(table: DeviceTable): DeviceCursors {
  // In the order in which they were last heard of, the longest unheard first.
  const cursors = new Map<string, DeviceCursor>()
  for (const cursor of table.list().sort((a, b) => a.seenAt - b.seenAt)) cursors.set(cursor.deviceId, cursor)
  const unsaved = new Set<string>()

  const forget = (deviceId: string) => {
    cursors.delete(deviceId)
    unsaved.delete(deviceId)
  }

  return {
    acknowledge(deviceId, seq, now) {
      cursors.delete(deviceId)
      cursors.set(deviceId, { deviceId, seq, seenAt: now })
      unsaved.add(deviceId)
      const [oldest] = cursors.keys()
      if (cursors.size > MOST_DEVICES && oldest !== undefined) forget(oldest)
    },
    lowest(above, now) {
      let lowest = Number.POSITIVE_INFINITY
      for (const { seq, seenAt } of cursors.values()) {
        if (seenAt > now - REMEMBERED_MS && seq >= above) lowest = Math.min(lowest, seq)
      }
      return lowest
    },
    save() {
      if (unsaved.size === 0) return
      table.save(
        [...unsaved].flatMap((deviceId) => cursors.get(deviceId) ?? []),
        MOST_DEVICES,
      )
      unsaved.clear()
    },
  }
}

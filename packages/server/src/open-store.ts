import type { StoreRecord } from './catalog.js'
import type { Clock } from './clock.js'
import { type Broadcast, createBroadcast } from './event-frame.js'
import { createSequencer, type Sequencer } from './sequencer.js'
import type { StoreStorage } from './storage.js'

/** A store that is open: its contents, its writer, and who follows it. */
export interface OpenStore {
  /** As last read from the catalog. */
  record: StoreRecord
  readonly storage: StoreStorage
  readonly sequencer: Sequencer
  /** Each commit in order, right after it is durable. Listeners must not throw. Returns the unsubscribe function. */
  follow(listener: (commit: Broadcast) => void): () => void
  /** Whether there are listeners. */
  readonly followed: boolean
}

export function openStore(record: StoreRecord, storage: StoreStorage, clock: Clock): OpenStore {
  const listeners = new Set<(commit: Broadcast) => void>()
  const sequencer = createSequencer({
    storage,
    clock,
    committed(ops) {
      const commit = createBroadcast(ops)
      for (const listener of listeners) listener(commit)
    },
  })
  return {
    record,
    storage,
    sequencer,
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    get followed() {
      return listeners.size > 0
    },
  }
}

/** Whether the store takes writes and can be joined by name. */
export function isActive(record: StoreRecord, now: number): boolean {
  return record.status === 'active' && (record.expiresAt === null || record.expiresAt > now)
}

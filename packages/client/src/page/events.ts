import { type DustError, type EntryType, errorFromData } from '@dustlayer/protocol'
import type { EntryData, DustEvent as ReplicaEvent } from '@dustlayer/replica'

/** A change in a store, as `on` and `watch` tell it. One op is one event, at the op's path (spec/semantics.md §9.3). */
export interface DustEvent extends Omit<ReplicaEvent, 'error'> {
  readonly type: 'change'
  /** Set when the server refused an own write; its effect has been undone. */
  readonly error?: DustError
}

/** An entry that was there when a `watch` began. */
export interface PresentEvent extends Omit<EntryData, 'type'> {
  readonly type: 'present'
  readonly store: string
  readonly entryType: EntryType
}

export function changeEvent({ error, ...event }: ReplicaEvent): DustEvent {
  return { type: 'change', ...event, ...(error ? { error: errorFromData(error) } : {}) }
}

export function presentEvent(store: string, { type, ...entry }: EntryData): PresentEvent {
  return { ...entry, type: 'present', store, entryType: type }
}

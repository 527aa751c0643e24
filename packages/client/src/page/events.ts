import { type DustError, type EntryType, errorFromData, type Value } from '@dustlayer/protocol'
import type { EntryData, DustEvent as ReplicaEvent } from '@dustlayer/replica'
import { reviveEntry, reviveValue } from './revive.js'

/**
 * A change in a store, as `on` and `watch` tell it; what is told to whom, and in which order, is said at the replica's
 * event, which this is for the page: with values as apps see them (a set is a `Set`, a decimal a `Decimal`).
 */
export interface DustEvent extends Omit<ReplicaEvent, 'error' | 'value' | 'sets'> {
  readonly type: 'change'
  /**
   * Committed: what is at the path now (a total, all members). Local: the argument. With `cause` or `correctionFor`:
   * what is at the path now. null for delete, release, rejection.
   */
  readonly value: Value
  /** Set when the server refused an own write; its effect has been undone. */
  readonly error?: DustError
}

/** An entry that was there when a `watch` began. */
export interface PresentEvent extends Omit<EntryData, 'type' | 'value' | 'sets'> {
  readonly type: 'present'
  readonly store: string
  readonly value: Value
  readonly entryType: EntryType
}

/** What `watch` tells: first each entry that is there, then every change. */
export type WatchEvent = PresentEvent | DustEvent

export function changeEvent({ error, value, sets, ...event }: ReplicaEvent): DustEvent {
  return {
    type: 'change',
    ...event,
    value: reviveValue(value, event.entryType, sets),
    ...(error ? { error: errorFromData(error) } : {}),
  }
}

export function presentEvent(store: string, data: EntryData): PresentEvent {
  const { type, ...entry } = reviveEntry<Value>(data)
  return { ...entry, type: 'present', store, entryType: type }
}

import { type EntryType, type JsonValue, toValue, type Value } from '@dustlayer/protocol'
import type { EntryData } from '@dustlayer/replica'

/**
 * What came from the worker, as an app sees it. Most values are the same in both forms: those are given on as they
 * are, since what a message brings belongs to this page alone.
 */
export function reviveValue(value: JsonValue, type?: EntryType, sets?: readonly string[]): Value {
  return type === 'set' || sets !== undefined || hasEnvelope(value) ? toValue(value, type, sets) : value
}

/** An entry or node as an app sees it. */
export function reviveEntry<T>({
  value,
  sets,
  ...entry
}: EntryData): Omit<EntryData, 'value' | 'sets'> & { value: T } {
  // T is what the caller knows about the value.
  return { ...entry, value: reviveValue(value, entry.type, sets) as T }
}

function hasEnvelope(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasEnvelope)
  return Object.hasOwn(value, '_type') || Object.values(value).some(hasEnvelope)
}

import { type JsonValue, setOwn } from '../json.js'
import { parsePath } from '../path.js'
import type { EntryType, JsonMap } from '../value.js'
import { DateTime, isDateTimeText } from './date-time.js'
import { Decimal, isDecimalText } from './decimal.js'
import { hasExactKeys } from './envelope-keys.js'
import { fileRefOf } from './file-ref.js'
import { leaseValueOf } from './lease-value.js'
import type { Value } from './value-type.js'

/**
 * A stored value as an app sees it: a copy, in which envelopes are instances of their classes. One that its class
 * cannot hold exactly (other keys, malformed text) stays the plain object it is.
 *
 * Only the type of an entry tells a set from a list: the caller gives it, and for an assembled map the rendered
 * paths, relative to the map, of the leaves inside that are sets.
 */
export function toValue(value: JsonValue, type?: EntryType, sets: readonly string[] = []): Value {
  if (type === 'set' && Array.isArray(value)) return new Set(value.map(revive))
  const revived = revive(value)
  // A leaf is no place for sets; only an assembled map has them.
  for (const path of sets) if (isPlainObject(revived)) reviveSet(revived, parsePath(path))
  return revived
}

type MutableMap = { [key: string]: Value }

function revive(value: JsonValue): Value {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(revive)
  return reviveEnvelope(value) ?? reviveMap(value)
}

function reviveEnvelope(value: JsonMap): Value | undefined {
  if (!Object.hasOwn(value, '_type')) return undefined
  switch (value._type) {
    case 'decimal':
      return typedText(value, isDecimalText, Decimal.from)
    case 'datetime':
      return typedText(value, isDateTimeText, DateTime.from)
    case 'file':
      return fileRefOf(value)
    case 'lease':
      return leaseValueOf(value)
    default:
      return undefined
  }
}

function typedText(
  value: JsonMap,
  isValid: (text: string) => boolean,
  from: (text: string) => Value,
): Value | undefined {
  const { _typed: text } = value
  if (typeof text !== 'string' || !hasExactKeys(value, ['_typed', '_type'])) return undefined
  return isValid(text) ? from(text) : undefined
}

function reviveMap(value: JsonMap): MutableMap {
  const map: MutableMap = {}
  for (const [key, inner] of Object.entries(value)) setOwn(map, key, revive(inner))
  return map
}

/** Replaces a list deep inside a map that was made here by a set of its members. */
function reviveSet(root: MutableMap, keys: readonly string[]): void {
  let node = root
  for (const key of keys.slice(0, -1)) {
    const next = Object.hasOwn(node, key) ? node[key] : undefined
    if (next === undefined || !isPlainObject(next)) return
    node = next
  }
  const last = keys.at(-1) as string
  const members = Object.hasOwn(node, last) ? node[last] : undefined
  if (Array.isArray(members)) setOwn(node, last, new Set<Value>(members))
}

function isPlainObject(value: Value): value is MutableMap {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

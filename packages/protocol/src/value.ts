import { PathError } from './errors.js'
import { type JsonValue, setOwn } from './json.js'
import { childPath, parsePath } from './path.js'

/** The type tag of an entry (spec/semantics.md §3.3, with the documented tags for lists and envelopes). */
export type EntryType =
  | 'string'
  | 'integer'
  | 'float'
  | 'boolean'
  | 'null'
  | 'list'
  | 'map'
  | 'decimal'
  | 'datetime'
  | 'file'
  | 'lease'
  | 'counter'
  | 'set'

const ENTRY_TYPES: ReadonlySet<unknown> = new Set<EntryType>([
  'string',
  'integer',
  'float',
  'boolean',
  'null',
  'list',
  'map',
  'decimal',
  'datetime',
  'file',
  'lease',
  'counter',
  'set',
])

/** Whether it is a type tag that is known here. */
export function isEntryType(type: unknown): type is EntryType {
  return ENTRY_TYPES.has(type)
}

export type JsonMap = { [key: string]: JsonValue }

/** One value at one path, as a store keeps it. */
export interface Leaf {
  readonly path: string
  readonly value: JsonValue
  readonly type: EntryType
}

/** Whether the value is a JSON object of any kind, envelopes included. */
export function isObject(value: JsonValue | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A typed envelope is stored whole, as one leaf (spec/semantics.md §3.1). */
export function isEnvelope(value: JsonValue): value is JsonMap {
  if (!isObject(value)) return false
  const type = ownValue(value, '_type')
  return (
    type === 'file' || type === 'lease' || (type !== undefined && ownValue(value, '_typed') !== undefined)
  )
}

/** A plain map is no leaf: writing it writes one leaf for each of its inner values. */
export function isPlainMap(value: JsonValue): value is JsonMap {
  return isObject(value) && !isEnvelope(value)
}

/** The tag of a leaf value. A plain map, which is never a leaf, is a `map`. */
export function typeOf(value: JsonValue): EntryType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'boolean'
    case 'bigint':
      return 'integer'
    case 'number':
      // Larger integers are bigints: a number beyond is a float that has no fraction.
      return Number.isSafeInteger(value) ? 'integer' : 'float'
    default:
      return envelopeType(value)
  }
}

function envelopeType(value: JsonMap): EntryType {
  const type = ownValue(value, '_type')
  if (type === 'file' || type === 'lease') return type
  if ((type === 'decimal' || type === 'datetime') && ownValue(value, '_typed') !== undefined) return type
  return 'map'
}

/**
 * The leaves that writing `value` at `path` creates. Empty maps contribute nothing.
 * @throws PathError `empty_segment` when a map has an empty key (spec/semantics.md §3.2).
 */
export function flatten(path: string, value: JsonValue): Leaf[] {
  const leaves: Leaf[] = []
  flattenInto(leaves, path, value)
  return leaves
}

function flattenInto(leaves: Leaf[], path: string, value: JsonValue): void {
  if (!isPlainMap(value)) {
    leaves.push({ path, value, type: typeOf(value) })
    return
  }
  for (const key of Object.keys(value)) {
    if (key === '') {
      throw new PathError('empty_segment', `The map at ${path} has an empty key. Give every key a name.`)
    }
    flattenInto(leaves, childPath(path, key), value[key] as JsonValue)
  }
}

/**
 * The map of everything below `base`, from leaves in path byte order (so a leaf precedes what is below it).
 * Where a leaf and deeper leaves meet at one key, the deeper ones win; an envelope takes them in
 * (spec/semantics.md §4.4).
 */
export function assemble(base: string, leaves: Iterable<{ path: string; value: JsonValue }>): JsonMap {
  const root: JsonMap = {}
  // Objects made or copied here may be written to; a stored value must not be.
  const owned = new Set<JsonMap>([root])
  const skip = base.length + 1
  for (const leaf of leaves) {
    const keys = parsePath(leaf.path.slice(skip))
    let node = root
    for (let i = 0; i < keys.length - 1; i++) node = innerMap(node, keys[i] as string, owned)
    setOwn(node, keys[keys.length - 1] as string, leaf.value)
  }
  return root
}

function innerMap(node: JsonMap, key: string, owned: Set<JsonMap>): JsonMap {
  const existing = ownValue(node, key)
  if (isObject(existing) && owned.has(existing)) return existing
  const inner: JsonMap = isObject(existing) ? { ...existing } : {}
  owned.add(inner)
  setOwn(node, key, inner)
  return inner
}

/** Snapshots of the reference server wrap scalars and lists as `{"_scalar": x}` (spec/wire.md §9.2). */
export function unwrapScalar(value: JsonValue): JsonValue {
  if (!isObject(value)) return value
  const keys = Object.keys(value)
  return keys.length === 1 && keys[0] === '_scalar' ? (value._scalar as JsonValue) : value
}

/** Strict, deep equality: `1` is not `"1"`, lists by order, maps by keys and values (spec/semantics.md §4.3). */
export function equalValues(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, i) => equalValues(item, b[i] as JsonValue))
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => {
    const other = ownValue(b, key)
    return other !== undefined && equalValues(a[key] as JsonValue, other)
  })
}

/** Whether a value consists of JSON only, so that every codec can carry it. */
export function isJsonValue(value: unknown): value is JsonValue {
  if (value === null) return true
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return Array.isArray(value)
        ? value.every(isJsonValue)
        : Object.values(value as object).every(isJsonValue)
    default:
      return false
  }
}

/** Own properties only: a key such as `constructor` must not find what every object inherits. */
function ownValue(map: JsonMap, key: string): JsonValue | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined
}

import { FrameError, PathError } from './errors.js'
import type { OpName } from './frame.js'
import type { JsonValue } from './json.js'
import { childPath } from './path.js'
import { type EntryType, flatten, isObject, isPlainMap, typeOf } from './value.js'

/** One change to the entries of a store. Replica and server execute the same effects, so they cannot disagree. */
export type Effect =
  /** Deletes the leaf and all its descendants. */
  | { readonly kind: 'clear'; readonly path: string }
  /** Deletes the descendants and keeps the leaf. */
  | { readonly kind: 'clearBelow'; readonly path: string }
  /** Deletes the leaf and keeps the descendants. */
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'put'; readonly path: string; readonly value: JsonValue; readonly type: EntryType }

/** An accepted op as the log and the wire have it: `value` is materialised (a total, a whole member list). */
export interface AcceptedOp {
  readonly op: OpName
  readonly path: string
  readonly value: JsonValue
}

/**
 * What an accepted op does to the entries (spec/semantics.md §4.1). Ancestors are never touched.
 * @throws PathError `empty_segment` when a map has an empty key.
 */
export function eventEffects({ op, path, value }: AcceptedOp): Effect[] {
  switch (op) {
    case 'set':
      return setEffects(path, value)
    case 'delete':
      return [{ kind: 'clear', path }]
    case 'merge':
      return mergeEffects(path, value)
    case 'increment':
      return [{ kind: 'put', path, value, type: 'counter' }]
    case 'add':
    case 'remove':
      return [{ kind: 'put', path, value, type: 'set' }]
    case 'put_file':
      return [
        { kind: 'clearBelow', path },
        { kind: 'put', path, value, type: 'file' },
      ]
    case 'lease':
    case 'renew':
      return [{ kind: 'put', path, value, type: 'lease' }]
    case 'release':
      return [{ kind: 'remove', path }]
    default:
      return unknownOp(op)
  }
}

function unknownOp(op: never): never {
  throw new FrameError(`The op ${JSON.stringify(op)} is unknown: its effects cannot be told.`)
}

function setEffects(path: string, value: JsonValue): Effect[] {
  if (isPlainMap(value)) {
    return [
      { kind: 'clear', path },
      ...flatten(path, value).map((leaf) => ({ kind: 'put' as const, ...leaf })),
    ]
  }
  return [
    { kind: 'clearBelow', path },
    { kind: 'put', path, value, type: typeOf(value) },
  ]
}

/** One level of merging: a child map replaces the child's subtree, a child leaf leaves it alone. */
function mergeEffects(path: string, value: JsonValue): Effect[] {
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, child]): Effect[] => {
    if (key === '') throw new PathError('empty_segment', `The map merged into ${path} has an empty key.`)
    const at = childPath(path, key)
    return isPlainMap(child)
      ? setEffects(at, child)
      : [{ kind: 'put', path: at, value: child, type: typeOf(child) }]
  })
}

import {
  type EntryType,
  FrameError,
  type FramePayload,
  isObject,
  type JsonValue,
  normalizePath,
  typeOf,
  unwrapScalar,
} from '@dustlayer/protocol'
import type { SnapshotEntry } from '@dustlayer/replica'

export interface Snapshot {
  readonly seq: number
  readonly entries: SnapshotEntry[]
}

const ENTRY_TYPES: { readonly [type in EntryType]: true } = {
  string: true,
  integer: true,
  float: true,
  boolean: true,
  null: true,
  list: true,
  map: true,
  decimal: true,
  datetime: true,
  file: true,
  lease: true,
  counter: true,
  set: true,
}

/**
 * Reads a `snapshot` (spec/wire.md §9.2). The reference wraps plain values, which is undone here; entries may come
 * without a revision of their own.
 * @throws FrameError when it is malformed.
 */
export function decodeSnapshot({ snapshot_seq: seq, entries }: FramePayload): Snapshot {
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) {
    throw new FrameError('A snapshot has no usable snapshot_seq.')
  }
  if (entries === undefined || !isObject(entries)) throw new FrameError('A snapshot has no entries.')
  return { seq, entries: Object.entries(entries).map(([path, entry]) => decodeEntry(path, entry)) }
}

function decodeEntry(path: string, entry: JsonValue): SnapshotEntry {
  if (!isObject(entry)) throw new FrameError(`The entry ${path} of a snapshot is not an object.`)
  const value = unwrapScalar(entry.value ?? null)
  const { type, seq } = entry
  return {
    path: canonical(path),
    value,
    type: isEntryType(type) ? type : typeOf(value),
    ...(typeof seq === 'number' && { seq }),
  }
}

function canonical(path: string): string {
  try {
    return normalizePath(path)
  } catch (cause) {
    throw new FrameError(`A snapshot has the invalid path ${JSON.stringify(path)}.`, { cause })
  }
}

function isEntryType(type: JsonValue | undefined): type is EntryType {
  return typeof type === 'string' && Object.hasOwn(ENTRY_TYPES, type)
}

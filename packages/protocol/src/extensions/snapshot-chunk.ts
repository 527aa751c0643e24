import { FrameError, PathError } from '../errors.js'
import type { FramePayload } from '../frame.js'
import type { JsonValue } from '../json.js'
import { compareUtf8, parsePath } from '../path.js'
import { type EntryType, isEntryType, isObject, typeOf } from '../value.js'
import { seqField, textField, textOrNullField } from './fields.js'

/** A chunk of a snapshot, and a batch of events, has at most so many entries and aims at so many bytes. */
export const MAX_CHUNK_ENTRIES = 500
export const CHUNK_TARGET_BYTES = 64 * 1024

/** An entry of a snapshot with its own revision. */
export type SnapshotChunkEntry = { path: string; value: JsonValue; type: EntryType; seq: number }

/** `snapshot_chunk`: a part of the store as it was at `snapshot_seq`, in path byte order. */
export type SnapshotChunkPayload = {
  snapshot_seq: number
  entries: SnapshotChunkEntry[]
  /** The path that this chunk continues after; null for the first of a snapshot. */
  from: string | null
  /** The path of the last entry so far: what the next chunk has as `from`. Null while there was none. */
  after: string | null
  /** Whether the snapshot is complete with this chunk. */
  last: boolean
}

/**
 * Checks a `snapshot_chunk`: paths ascend, from `from` to `after`, and no entry is newer than the snapshot. A type
 * that is unknown here is told from the value.
 * @throws FrameError naming what is wrong.
 */
export function decodeSnapshotChunk(payload: FramePayload): SnapshotChunkPayload {
  const snapshotSeq = seqField(payload, 'snapshot_seq', WHAT)
  const { entries: list, last } = payload
  if (!Array.isArray(list)) throw new FrameError(`${WHAT} has no entries.`)
  if (list.length > MAX_CHUNK_ENTRIES)
    throw new FrameError(`${WHAT} has ${list.length} entries; ${MAX_CHUNK_ENTRIES} are allowed.`)
  if (typeof last !== 'boolean') throw new FrameError(`${WHAT} does not say whether it is the last.`)
  const from = textOrNullField(payload, 'from', WHAT)
  const after = textOrNullField(payload, 'after', WHAT)
  const entries = list.map((entry) => decodeEntry(entry, snapshotSeq))
  checkOrder(entries, from, after)
  return { snapshot_seq: snapshotSeq, entries, from, after, last }
}

const WHAT = 'A snapshot chunk'

function decodeEntry(entry: JsonValue, snapshotSeq: number): SnapshotChunkEntry {
  if (!isObject(entry)) throw new FrameError(`${WHAT} has an entry that is not an object.`)
  const { value, type } = entry
  const path = canonicalPath(textField(entry, 'path', WHAT))
  if (value === undefined) throw new FrameError(`${WHAT} has no value for ${path}.`)
  const seq = seqField(entry, 'seq', `${WHAT}, ${path},`)
  if (seq > snapshotSeq) throw new FrameError(`${WHAT} of ${snapshotSeq} has ${path} at ${seq}.`)
  return { path, value, type: isEntryType(type) ? type : typeOf(value), seq }
}

function canonicalPath(path: string): string {
  try {
    parsePath(path)
    // A rendered path that parses is canonical.
    return path
  } catch (cause) {
    if (!(cause instanceof PathError)) throw cause
    throw new FrameError(`${WHAT} has an invalid path: ${cause.message}`, { cause })
  }
}

function checkOrder(entries: readonly SnapshotChunkEntry[], from: string | null, after: string | null): void {
  let previous = from
  for (const { path } of entries) {
    if (previous !== null && compareUtf8(previous, path) >= 0)
      throw new FrameError(`${WHAT} has ${JSON.stringify(path)} out of order.`)
    previous = path
  }
  if (after !== previous) throw new FrameError(`${WHAT} does not end where it says.`)
}

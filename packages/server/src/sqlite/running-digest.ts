import {
  addDigest,
  type Digest,
  digestText,
  EMPTY_DIGEST,
  type EntryType,
  entryDigest,
  parseDigest,
  subtractDigest,
} from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type { MetaTable } from './meta-table.js'

/** The digest of a table of entries, changed along with it and stored in the same transaction. */
export interface RunningDigest {
  current(): Digest
  added(path: string, type: EntryType, seq: number, valueText: string): void
  removed(path: string, type: EntryType, seq: number, valueText: string): void
  /** Stores it, once for however many changes. */
  save(): void
  /** Goes back to an earlier value, as what changed since then was undone. */
  restore(digest: Digest): void
}

const KEY = 'digest'

export function createRunningDigest(db: Database, meta: MetaTable): RunningDigest {
  const stored = meta.get(KEY)
  let digest = stored === undefined ? scan(db) : parseDigest(stored)
  let changed = stored === undefined
  const save = () => {
    if (changed) meta.set(KEY, digestText(digest))
    changed = false
  }
  save()
  return {
    current: () => digest,
    added(path, type, seq, valueText) {
      digest = addDigest(digest, entryDigest(path, type, seq, valueText))
      changed = true
    },
    removed(path, type, seq, valueText) {
      digest = subtractDigest(digest, entryDigest(path, type, seq, valueText))
      changed = true
    },
    save,
    restore(earlier) {
      digest = earlier
      changed = true
    },
  }
}

/** For a file that was written before there were digests. */
function scan(db: Database): Digest {
  const rows = db
    .prepare<[], [string, string, EntryType, number]>('SELECT path, value, type, seq FROM entries')
    .raw()
  let digest = EMPTY_DIGEST
  for (const [path, value, type, seq] of rows.iterate()) {
    digest = addDigest(digest, entryDigest(path, type, seq, value))
  }
  return digest
}

import {
  type Digest,
  descendantRange,
  type Entry,
  type EntryType,
  parseJson,
  stringifyJson,
} from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type { CurrentEntries, EntryTable } from '../storage.js'
import type { RunningDigest } from './running-digest.js'

/** What an entry table remembers besides its rows, to be gone back to when changes are undone. */
export interface EntryTotals {
  readonly count: number | undefined
  readonly digest: Digest
}

/** The table of current entries; whoever undoes changes to it says so. */
export interface SqliteEntryTable extends CurrentEntries {
  totals(): EntryTotals
  restore(totals: EntryTotals): void
}

type Row = [path: string, value: string, type: EntryType, seq: number]

const toEntry = ([path, value, type, seq]: Row): Entry => ({ path, value: parseJson(value), type, seq })

/** A large subtree is cleared in steps, as the rows that go are read for the digest. */
const CLEARED_AT_ONCE = 1_000

/** Reads leaves in `table`, which has the columns path, value, type and seq. */
function createReader(db: Database, table: string) {
  const columns = `SELECT path, value, type, seq FROM ${table}`
  const one = db.prepare<[string], Row>(`${columns} WHERE path = ?`).raw()
  const all = db.prepare<[], Row>(`${columns} ORDER BY path`).raw()
  const below = db
    .prepare<[string, string], Row>(`${columns} WHERE path >= ? AND path < ? ORDER BY path`)
    .raw()
  return {
    row: (path: string) => one.get(path),
    get(path: string) {
      const row = one.get(path)
      return row && toEntry(row)
    },
    scan(base?: string) {
      if (base === undefined) return all.all().map(toEntry)
      const { from, to } = descendantRange(base)
      return below.all(from, to).map(toEntry)
    },
  }
}

/** A table of leaves that are folded from ops. */
export function createEntryTable(db: Database, table: string): EntryTable {
  const { get, scan } = createReader(db, table)
  const total = db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck()
  const put = db.prepare<Row>(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?, ?)`)
  const removeOne = db.prepare<[string]>(`DELETE FROM ${table} WHERE path = ?`)
  const removeBelow = db.prepare<[string, string]>(`DELETE FROM ${table} WHERE path >= ? AND path < ?`)
  return {
    get,
    scan,
    count: () => total.get() ?? 0,
    apply(effects, seq) {
      for (const effect of effects) {
        const { path } = effect
        if (effect.kind === 'put') {
          put.run(path, stringifyJson(effect.value), effect.type, seq)
          continue
        }
        if (effect.kind !== 'clearBelow') removeOne.run(path)
        if (effect.kind === 'remove') continue
        const { from, to } = descendantRange(path)
        removeBelow.run(from, to)
      }
    },
  }
}

/** The table `entries`, with its count and its digest kept at hand. */
export function createCurrentEntries(db: Database, digest: RunningDigest): SqliteEntryTable {
  const { row, get, scan } = createReader(db, 'entries')
  const total = db.prepare<[], number>('SELECT count(*) FROM entries').pluck()
  const insert = db.prepare<Row>('INSERT INTO entries VALUES (?, ?, ?, ?)')
  const update = db.prepare<[string, string, number, string]>(
    'UPDATE entries SET value = ?, type = ?, seq = ? WHERE path = ?',
  )
  const removeOne = db.prepare<[string]>('DELETE FROM entries WHERE path = ?')
  const within = db
    .prepare<[string, string], Row>(
      // SQLite is several times as slow when the limit is a parameter.
      `SELECT path, value, type, seq FROM entries WHERE path >= ? AND path < ? ORDER BY path LIMIT ${CLEARED_AT_ONCE}`,
    )
    .raw()
  const removeUpTo = db.prepare<[string, string]>('DELETE FROM entries WHERE path >= ? AND path <= ?')

  // Counting walks the whole table, so it is done once and then kept up to date.
  let count: number | undefined
  const changed = (by: number) => {
    if (count !== undefined) count += by
  }

  const put = (path: string, value: string, type: EntryType, seq: number) => {
    const old = row(path)
    if (old) {
      digest.removed(path, old[2], old[3], old[1])
      update.run(value, type, seq, path)
    } else {
      changed(1)
      insert.run(path, value, type, seq)
    }
    digest.added(path, type, seq, value)
  }
  const remove = (path: string) => {
    const old = row(path)
    if (!old) return
    digest.removed(path, old[2], old[3], old[1])
    changed(-1)
    removeOne.run(path)
  }
  const clearBelow = (path: string) => {
    const { from, to } = descendantRange(path)
    // Mostly there is nothing, and a look costs less than a delete.
    for (;;) {
      const rows = within.all(from, to)
      for (const old of rows) digest.removed(old[0], old[2], old[3], old[1])
      const last = rows.at(-1)
      if (!last) return
      changed(-rows.length)
      removeUpTo.run(from, last[0])
      if (rows.length < CLEARED_AT_ONCE) return
    }
  }

  return {
    get,
    scan,
    apply(effects, seq, known) {
      for (const effect of effects) {
        if (effect.kind === 'put') {
          const { path, value, type } = effect
          put(path, known && known.value === value ? known.json : stringifyJson(value), type, seq)
          continue
        }
        if (effect.kind !== 'clearBelow') remove(effect.path)
        if (effect.kind !== 'remove') clearBelow(effect.path)
      }
    },
    count() {
      count ??= total.get() ?? 0
      return count
    },
    digest: digest.current,
    totals: () => ({ count, digest: digest.current() }),
    restore(totals) {
      count = totals.count
      digest.restore(totals.digest)
    },
  }
}

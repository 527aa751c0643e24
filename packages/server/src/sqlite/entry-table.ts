import { descendantRange, type Entry, type EntryType, parseJson, stringifyJson } from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type { EntryTable } from '../storage.js'

/** An entry table that can be told that what it remembers was rolled back. */
export interface SqliteEntryTable extends EntryTable {
  rolledBack(): void
}

type Row = [path: string, value: string, type: EntryType, seq: number]

const toEntry = ([path, value, type, seq]: Row): Entry => ({ path, value: parseJson(value), type, seq })

/** Leaves in `table`, which has the columns path, value, type and seq. */
export function createEntryTable(db: Database, table: string): SqliteEntryTable {
  const columns = `SELECT path, value, type, seq FROM ${table}`
  const one = db.prepare<[string], Row>(`${columns} WHERE path = ?`).raw()
  const all = db.prepare<[], Row>(`${columns} ORDER BY path`).raw()
  const below = db
    .prepare<[string, string], Row>(`${columns} WHERE path >= ? AND path < ? ORDER BY path`)
    .raw()
  const total = db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck()
  const insert = db.prepare<[string, string, string, number]>(
    `INSERT OR IGNORE INTO ${table} VALUES (?, ?, ?, ?)`,
  )
  const update = db.prepare<[string, string, number, string]>(
    `UPDATE ${table} SET value = ?, type = ?, seq = ? WHERE path = ?`,
  )
  const removeOne = db.prepare<[string]>(`DELETE FROM ${table} WHERE path = ?`)
  const removeBelow = db.prepare<[string, string]>(`DELETE FROM ${table} WHERE path >= ? AND path < ?`)

  // Counting walks the whole table, so it is done once and then kept up to date.
  let count: number | undefined
  const changed = (by: number) => {
    if (count !== undefined) count += by
  }
  const clearBelow = (path: string) => {
    const { from, to } = descendantRange(path)
    changed(-removeBelow.run(from, to).changes)
  }

  return {
    get(path) {
      const row = one.get(path)
      return row && toEntry(row)
    },
    scan(base) {
      if (base === undefined) return all.all().map(toEntry)
      const { from, to } = descendantRange(base)
      return below.all(from, to).map(toEntry)
    },
    apply(effects, seq) {
      for (const effect of effects) {
        if (effect.kind === 'put') {
          const value = stringifyJson(effect.value)
          if (insert.run(effect.path, value, effect.type, seq).changes === 1) changed(1)
          else update.run(value, effect.type, seq, effect.path)
          continue
        }
        if (effect.kind !== 'clearBelow') changed(-removeOne.run(effect.path).changes)
        if (effect.kind !== 'remove') clearBelow(effect.path)
      }
    },
    count() {
      count ??= total.get() ?? 0
      return count
    },
    rolledBack() {
      count = undefined
    },
  }
}

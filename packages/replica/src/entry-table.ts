import { descendantRange, type Effect, type EntryType, parseJson, stringifyJson } from '@dustlayer/protocol'
import type { SqliteDriver, SqlValue } from './driver.js'
import type { Parents } from './parents.js'
import type { SnapshotEntry } from './sync-port.js'

/** A leaf row; the value is still JSON text, because most scans look at paths only. */
export interface ConfirmedRow {
  readonly path: string
  readonly text: string
  readonly type: EntryType
  readonly seq: number
  readonly syncedAt: number | null
}

/** A half-open range of rendered paths in byte order; `to` null means no upper end. */
export interface PathRange {
  readonly from: string
  readonly to: string | null
}

/** A table of leaf rows: what a server's log comes to. */
export interface EntryTable {
  get(path: string): ConfirmedRow | undefined
  /** The value's JSON text alone: reading the rest of a row costs more than finding it. */
  text(path: string): string | undefined
  typed(path: string): { readonly text: string; readonly type: EntryType } | undefined
  /** Rows of the range in the given order, at most `limit`. */
  rows(range: PathRange, order: 'asc' | 'desc', limit: number): ConfirmedRow[]
  /** Whether there is no row at all. */
  isEmpty(): boolean
  /** Those of the paths that have entries below them, and all that cannot be asked about. */
  withEntriesBelow(paths: readonly string[]): string[]
  /** Executes the effects of one accepted op, one of several whose `parents` are known. */
  execute(effects: readonly Effect[], seq: number, syncedAt: number, parents: Parents): void
  put(entry: SnapshotEntry, seq: number, syncedAt: number): void
  clear(): void
}

const COLUMNS = 'path, value, type, seq, synced_at'

const CHUNK = 1_000

export function createEntryTable(driver: SqliteDriver, table: 'entries' | 'staged'): EntryTable {
  const putRow =
    `insert into ${table} (path, value, type, seq, synced_at) values (?, ?, ?, ?, ?) on conflict (path) do update ` +
    'set value = excluded.value, type = excluded.type, seq = excluded.seq, synced_at = excluded.synced_at'
  /** One statement for many paths: asking for each would cost as much as the deletes that the answers spare. */
  const withEntriesBelow =
    'select asked.value from json_each(?) as asked where exists ' +
    `(select 1 from ${table} where path >= asked.value || '/' and path < asked.value || '0')`
  const getRow = `select value, type, seq, synced_at from ${table} where path = ?`
  const getText = `select value from ${table} where path = ?`
  const getTyped = `select value, type from ${table} where path = ?`
  const removeRow = `delete from ${table} where path = ?`
  const removeRange = `delete from ${table} where path >= ? and path < ?`

  const put: EntryTable['put'] = (entry, seq, syncedAt) => {
    driver.run(putRow, [entry.path, stringifyJson(entry.value), entry.type, seq, syncedAt])
  }
  const remove = (path: string) => driver.run(removeRow, [path])
  const removeBelow = (path: string) => {
    const { from, to } = descendantRange(path)
    driver.run(removeRange, [from, to])
  }

  return {
    get(path) {
      // The path is known, and reading a text costs more than finding it.
      const row = driver.all(getRow, [path])[0]
      return row && toRow([path, ...row])
    },
    // The column is text.
    text: (path) => driver.all(getText, [path])[0]?.[0] as string | undefined,
    typed(path) {
      const row = driver.all(getTyped, [path])[0]
      // `put` wrote the columns.
      return row && { text: row[0] as string, type: row[1] as EntryType }
    },
    rows({ from, to }, order, limit) {
      const upper = to === null ? '' : 'and path < ?'
      const params: SqlValue[] = to === null ? [from, limit] : [from, to, limit]
      return driver
        .all(
          `select ${COLUMNS} from ${table} where path >= ? ${upper} order by path ${order} limit ?`,
          params,
        )
        .map(toRow)
    },
    isEmpty: () => driver.all(`select 1 from ${table} limit 1`).length === 0,
    withEntriesBelow(paths) {
      // JSON texts in SQLite end at a NUL.
      const [odd, plain] = [paths.filter(hasNul), paths.filter((path) => !hasNul(path))]
      if (plain.length === 0) return odd
      const found = driver.all(withEntriesBelow, [JSON.stringify(plain)])
      return [...odd, ...found.map(([path]) => path as string)]
    },
    execute(effects, seq, syncedAt, parents) {
      for (const effect of effects) {
        switch (effect.kind) {
          case 'put':
            put(effect, seq, syncedAt)
            parents.put(effect.path)
            break
          case 'remove':
            remove(effect.path)
            break
          case 'clear':
            remove(effect.path)
            if (parents.has(effect.path)) removeBelow(effect.path)
            break
          case 'clearBelow':
            if (parents.has(effect.path)) removeBelow(effect.path)
        }
      }
    },
    put,
    clear: () => driver.run(`delete from ${table}`),
  }
}

/** All rows in path order, read in chunks. The table may change between one row and the next. */
export function* allRows(table: Pick<EntryTable, 'rows'>): Generator<ConfirmedRow> {
  for (let from = ''; ; ) {
    const rows = table.rows({ from, to: null }, 'asc', CHUNK)
    yield* rows
    const last = rows.at(-1)
    if (!last || rows.length < CHUNK) return
    // The least string above a path in byte order is that path followed by NUL.
    from = `${last.path}\0`
  }
}

export function rowValue(row: ConfirmedRow) {
  return parseJson(row.text)
}

function hasNul(path: string): boolean {
  return path.includes('\0')
}

/** The columns were written by `put` above, so their types are known. */
function toRow([path, text, type, seq, syncedAt]: SqlValue[]): ConfirmedRow {
  return {
    path: path as string,
    text: text as string,
    type: type as EntryType,
    seq: seq as number,
    syncedAt: syncedAt as number | null,
  }
}

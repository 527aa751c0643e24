import {
  compareUtf8,
  descendantRange,
  type Effect,
  type EntryType,
  type JsonValue,
  parseJson,
  stringifyJson,
} from '@dustlayer/protocol'
import { asInteger, asText, asTime, fromRows } from './damage.js'
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
  /** What a row's text says. */
  parse(text: string): JsonValue
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

const EVERYTHING: PathRange = { from: '', to: null }

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
      return row && fromRows(driver, table, () => toRow([path, ...row]))
    },
    text(path) {
      const row = driver.all(getText, [path])[0]
      return row && fromRows(driver, table, () => asText(row[0]))
    },
    typed(path) {
      const row = driver.all(getTyped, [path])[0]
      return row && fromRows(driver, table, () => ({ text: asText(row[0]), type: asType(row[1]) }))
    },
    parse: (text) => fromRows(driver, table, () => parseJson(text)),
    rows({ from, to }, order, limit) {
      const upper = to === null ? '' : 'and path < ?'
      const params: SqlValue[] = to === null ? [from, limit] : [from, to, limit]
      const select = `select ${COLUMNS} from ${table} where path >= ? ${upper} order by path ${order} limit ?`
      const found = driver.all(select, params)
      return fromRows(driver, table, () => {
        const rows = found.map(toRow)
        expectOrder(rows, order)
        return rows
      })
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

/** The rows of a range, all by default, in path order and in chunks. The table may change between two of them. */
export function* rowChunks(
  table: Pick<EntryTable, 'rows'>,
  { from: start, to }: PathRange = EVERYTHING,
): Generator<readonly ConfirmedRow[]> {
  for (let from = start; ; ) {
    const rows = table.rows({ from, to }, 'asc', CHUNK)
    yield rows
    const last = rows.at(-1)
    if (!last || rows.length < CHUNK) return
    // The least string above a path in byte order is that path followed by NUL.
    from = `${last.path}\0`
  }
}

function hasNul(path: string): boolean {
  return path.includes('\0')
}

/** @throws TypeError when the row cannot have been written by `put` above. */
function toRow([path, text, type, seq, syncedAt]: SqlValue[]): ConfirmedRow {
  return {
    path: asText(path),
    text: asText(text),
    type: asType(type),
    seq: asInteger(seq),
    syncedAt: syncedAt === null ? null : asTime(syncedAt),
  }
}

/** Any text passes: a server may be newer. */
export function asType(value: SqlValue | undefined): EntryType {
  return asText(value) as EntryType
}

/** Who reads on behind the last row would never come to an end if that were before the first. */
function expectOrder(rows: readonly ConfirmedRow[], order: 'asc' | 'desc'): void {
  const [first, last] = [rows[0], rows.at(-1)]
  if (!first || !last || first === last) return
  const sign = order === 'asc' ? 1 : -1
  if (sign * compareUtf8(first.path, last.path) >= 0) throw new TypeError(`${last.path} behind ${first.path}`)
}

import { descendantRange, type Effect, type EntryType, parseJson, stringifyJson } from '@dustlayer/protocol'
import type { SqliteDriver, SqlValue } from './driver.js'
import type { Parents } from './parents.js'
import type { SnapshotEntry } from './sync-port.js'

/** A row of `entries`; the value is still JSON text, because most scans look at paths only. */
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

/** The confirmed state: the fold of the server's log up to the cursor. Only events and snapshots write it. */
export interface Confirmed {
  cursor(): number
  setCursor(seq: number): void
  get(path: string): ConfirmedRow | undefined
  /** The value's JSON text alone: reading the rest of a row costs more than finding it. */
  text(path: string): string | undefined
  /** Rows of the range in the given order, at most `limit`. */
  rows(range: PathRange, order: 'asc' | 'desc', limit: number): ConfirmedRow[]
  /** Whether there is no entry at all. */
  readonly empty: boolean
  /** Those of the paths that have entries below them, and all that cannot be asked about. */
  withEntriesBelow(paths: readonly string[]): string[]
  /** Executes the effects of one accepted op, part of a batch whose `parents` are known. */
  execute(effects: readonly Effect[], seq: number, syncedAt: number, parents: Parents): void
  put(entry: SnapshotEntry, seq: number, syncedAt: number): void
  remove(path: string): void
  /** Reads the cursor anew, after a rollback. */
  reload(): void
}

const COLUMNS = 'path, value, type, seq, synced_at'
const PUT =
  'insert into entries (path, value, type, seq, synced_at) values (?, ?, ?, ?, ?) on conflict (path) do update set ' +
  'value = excluded.value, type = excluded.type, seq = excluded.seq, synced_at = excluded.synced_at'
/** One statement for many paths: asking for each would cost as much as the deletes that the answers spare. */
const WITH_ENTRIES_BELOW =
  'select asked.value from json_each(?) as asked where exists ' +
  "(select 1 from entries where path >= asked.value || '/' and path < asked.value || '0')"

export function createConfirmed(driver: SqliteDriver): Confirmed {
  const put: Confirmed['put'] = (entry, seq, syncedAt) => {
    driver.run(PUT, [entry.path, stringifyJson(entry.value), entry.type, seq, syncedAt])
  }
  const remove = (path: string) => driver.run('delete from entries where path = ?', [path])
  const removeBelow = (path: string) => {
    const { from, to } = descendantRange(path)
    driver.run('delete from entries where path >= ? and path < ?', [from, to])
  }

  const readCursor = () => Number(driver.all('select cursor from meta where id = 1')[0]?.[0])
  let cursor = readCursor()

  return {
    cursor: () => cursor,
    setCursor(seq) {
      if (seq === cursor) return
      driver.run('update meta set cursor = ? where id = 1', [seq])
      cursor = seq
    },
    reload() {
      cursor = readCursor()
    },
    get(path) {
      // The path is known, and reading a text costs more than finding it.
      const row = driver.all('select value, type, seq, synced_at from entries where path = ?', [path])[0]
      return row && toRow([path, ...row])
    },
    // The column is text.
    text: (path) =>
      driver.all('select value from entries where path = ?', [path])[0]?.[0] as string | undefined,
    rows({ from, to }, order, limit) {
      const upper = to === null ? '' : 'and path < ?'
      const params: SqlValue[] = to === null ? [from, limit] : [from, to, limit]
      return driver
        .all(`select ${COLUMNS} from entries where path >= ? ${upper} order by path ${order} limit ?`, params)
        .map(toRow)
    },
    get empty() {
      return driver.all('select 1 from entries limit 1').length === 0
    },
    withEntriesBelow(paths) {
      // JSON texts in SQLite end at a NUL.
      const [odd, plain] = [paths.filter(hasNul), paths.filter((path) => !hasNul(path))]
      if (plain.length === 0) return odd
      const found = driver.all(WITH_ENTRIES_BELOW, [JSON.stringify(plain)])
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
    remove,
  }
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

export function rowValue(row: ConfirmedRow) {
  return parseJson(row.text)
}

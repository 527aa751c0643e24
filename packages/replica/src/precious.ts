import type { SqliteDriver, SqlValue } from './driver.js'
import { PENDING_COLUMNS } from './outbox.js'
import { REJECTION_COLUMNS } from './rejections.js'
import type { Row } from './salvage-table.js'
import { SCHEMA_VERSION } from './schema.js'

/** The tables whose rows no server can give back; `replaced` goes with the places of the outbox. */
export type PreciousTable = 'outbox' | 'rejections'

/** The rows that a transaction has changed, by position: whether the row is still there. */
export type PreciousChange = { readonly [table in PreciousTable]: ReadonlyMap<number, boolean> }

/** Collects what a transaction changes, for who keeps a second copy of it. */
export interface PreciousParts {
  note(table: PreciousTable, position: number, there: boolean): void
  /** What has come together since the last time; undefined when there is nothing. */
  take(): PreciousChange | undefined
  clear(): void
}

export function createPreciousParts(): PreciousParts {
  let parts = { outbox: new Map<number, boolean>(), rejections: new Map<number, boolean>() }
  const clear = (): void => {
    parts = { outbox: new Map(), rejections: new Map() }
  }
  return {
    note(table, position, there) {
      parts[table].set(position, there)
    },
    take() {
      if (parts.outbox.size + parts.rejections.size === 0) return undefined
      const taken = parts
      clear()
      return taken
    },
    clear,
  }
}

const COLUMNS = {
  outbox: PENDING_COLUMNS,
  replaced: 'position, op_id',
  rejections: REJECTION_COLUMNS,
} as const

const PRINTED = {
  outbox: 'position, op_id, waits_for, if_match, batch_id',
  replaced: 'op_id',
  rejections: 'position, op_id',
} as const

const selectOf = (name: keyof typeof COLUMNS): string => {
  const row = COLUMNS[name]
    .split(', ')
    .map((column) => `'${column}', ${column}`)
    .join(', ')
  const list = (one: string): string => `json_group_array(${one} order by position, op_id)`
  return `select count(*), ${list(`json_object(${row})`)}, ${list(`json_array(${PRINTED[name]})`)} from ${name} where position between ? and ?`
}

const SELECT = {
  outbox: selectOf('outbox'),
  replaced: selectOf('replaced'),
  rejections: selectOf('rejections'),
}

export type PreciousRows = { readonly [table in keyof typeof COLUMNS]?: readonly Row[] }

/** Some rows of a table, for putting aside. */
export interface PreciousSheet {
  /** {@link PreciousRows} as JSON. */
  readonly rows: string
  /** Tells two states of the same positions apart: of a row, only what its op waits for, its match and its batch change. */
  readonly print: string
}

/**
 * What is at the positions from `from` to `to`, both included, of a database of this library's version; null when
 * nothing is. SQLite makes the text: rows that pass through here one by one take ten times as long.
 */
export function readPrecious(
  driver: SqliteDriver,
  table: PreciousTable,
  from: number,
  to: number,
): PreciousSheet | null {
  const read = (name: keyof typeof COLUMNS): SqlValue[] => driver.all(SELECT[name], [from, to])[0] ?? []
  const [count, rows, print] = read(table)
  if (count === 0) return null
  if (table === 'rejections') return { rows: `{"rejections":${rows}}`, print: String(print) }
  const [, replaced, replacedPrint] = read('replaced')
  return { rows: `{"outbox":${rows},"replaced":${replaced}}`, print: `${print}${replacedPrint}` }
}

/** The rows of sheets, in the order of the sheets. */
export function rowsOfSheets(sheets: readonly Pick<PreciousSheet, 'rows'>[]): PreciousRows {
  // Written by `readPrecious`; whoever puts them into a database looks at each row.
  const all = sheets.map(({ rows }) => JSON.parse(rows) as PreciousRows)
  const of = (name: keyof PreciousRows) => all.flatMap((rows) => rows[name] ?? [])
  return { outbox: of('outbox'), replaced: of('replaced'), rejections: of('rejections') }
}

/** The positions that are taken, in order. */
export function preciousPositions(driver: SqliteDriver, table: PreciousTable): number[] {
  const list = driver.all(`select json_group_array(position order by position) from ${table}`)[0]?.[0]
  // One text of numbers: the column is an integer key.
  return JSON.parse(String(list)) as number[]
}

/** Whether the database is of the version whose rows are read and written here. */
export function isOfThisVersion(driver: SqliteDriver): boolean {
  return Number(driver.all('pragma user_version')[0]?.[0]) === SCHEMA_VERSION
}

/** How far a database had come, so that one that went back can be told. */
export interface PreciousMark {
  /** The position of the newest verdict; it grows with each op that leaves the outbox. */
  readonly verdicts: number
  /** The newest pending op that was looked at; null when there was none. */
  readonly newest: { readonly position: number; readonly opId: string } | null
}

/** `upTo`: ops behind this position are not looked at. */
export function preciousMark(driver: SqliteDriver, upTo: number): PreciousMark {
  const [row] = driver.all(
    'select position, op_id from outbox where position <= ? order by position desc limit 1',
    [upTo],
  )
  const newest = row ? { position: Number(row[0]), opId: String(row[1]) } : null
  return { verdicts: newestVerdict(driver), newest }
}

/**
 * Whether a database has not come as far as the mark. What is lost of a database are its last transactions: if it still
 * knows the op that was the newest, and the verdicts, it has all that was pending.
 */
export function isBehind(driver: SqliteDriver, { verdicts, newest }: PreciousMark): boolean {
  return newestVerdict(driver) < verdicts || (newest !== null && !knows(driver, newest))
}

/**
 * Whether each op that has left the outbox since the mark is known as settled: verdicts are kept for some thousand.
 * An op that was pending then and is unknown now was lost.
 */
export function remembersSince(driver: SqliteDriver, { verdicts }: Pick<PreciousMark, 'verdicts'>): boolean {
  const [row] = driver.all('select min(position) from settled where position > ?', [verdicts])
  const oldest = row?.[0] ?? null
  return oldest === null || Number(oldest) === verdicts + 1
}

function newestVerdict(driver: SqliteDriver): number {
  return Number(driver.all('select max(position) from settled')[0]?.[0] ?? 0)
}

function knows(driver: SqliteDriver, { position, opId }: NonNullable<PreciousMark['newest']>): boolean {
  if (driver.all('select op_id from outbox where position = ?', [position])[0]?.[0] === opId) return true
  return ['outbox', 'replaced', 'settled'].some(
    (table) => driver.all(`select 1 from ${table} where op_id = ?`, [opId]).length > 0,
  )
}

import { parseJson } from '@dustlayer/protocol'
import type { SqliteDriver, SqlValue } from './driver.js'
import { staticFault } from './local-op.js'
import { OP_COLUMNS, opFromRow } from './op-columns.js'
import { openSchema } from './schema.js'

/** What no server can give back, read from a database that may be damaged: plain rows, by table. */
export interface Salvage {
  readonly tables: { readonly [table in RescuedTable]: readonly Row[] }
  /** Whether everything that was in the outbox and among the refused writes is here. */
  readonly complete: boolean
}

type Row = { readonly [column: string]: SqlValue }

/**
 * In the order in which they are put back. The verdicts of `settled` matter for calls that are tried again; `meta`
 * tells which history of the store the acknowledged ops belong to.
 */
const TABLES = ['outbox', 'replaced', 'rejections', 'settled', 'meta'] as const
type RescuedTable = (typeof TABLES)[number]

/** Without these, the app has lost something. */
const PRECIOUS: ReadonlySet<RescuedTable> = new Set(['outbox', 'replaced', 'rejections'])

/** Of `meta` only this holds for an empty confirmed state. */
const KEPT_OF_META = ['incarnation', 'extensions']

/** Reads what can be read, of any version of the schema. Never throws; an empty database is a complete salvage. */
export function salvageReplica(driver: SqliteDriver): Salvage {
  let complete = true
  const readAll = (table: RescuedTable): readonly Row[] => {
    const { rows, whole } = readTable(driver, table)
    const sound = rows.filter((row) => isSound(table, row))
    if (PRECIOUS.has(table) && (!whole || sound.length < rows.length)) complete = false
    return sound
  }
  const [outbox, replaced, rejections, settled, meta] = TABLES.map(readAll)
  return {
    tables: {
      outbox: outbox ?? [],
      replaced: replaced ?? [],
      rejections: rejections ?? [],
      settled: settled ?? [],
      meta: meta ?? [],
    },
    complete,
  }
}

export interface Restored {
  /** How many pending ops and refused writes are in the database now. */
  readonly count: number
}

/**
 * Makes an empty database a replica that holds what was salvaged and knows nothing of the server's: in one
 * transaction, so that a database with a schema holds all of it. Of an op that was salvaged more than once, the
 * earlier salvage is taken.
 */
export function restoreReplica(driver: SqliteDriver, store: string, salvages: readonly Salvage[]): Restored {
  return driver.transaction(() => {
    openSchema(driver, store)
    for (const [i, salvage] of salvages.entries()) putBack(driver, salvage, i === 0)
    const count = driver.all('select (select count(*) from outbox) + (select count(*) from rejections)')
    return { count: Number(count[0]?.[0]) }
  })
}

/**
 * Puts what was salvaged behind what a replica has, in one transaction. An op that is pending, refused or recently
 * settled there is not taken again.
 */
export function adoptSalvage(driver: SqliteDriver, store: string, salvage: Salvage): void {
  driver.transaction(() => {
    openSchema(driver, store)
    putBack(driver, salvage, false)
  })
}

function readTable(
  driver: SqliteDriver,
  table: RescuedTable,
): { readonly rows: readonly Row[]; readonly whole: boolean } {
  let columns: readonly string[]
  try {
    if (driver.all('select 1 from sqlite_schema where name = ?', [table]).length === 0)
      return { rows: [], whole: true }
    columns = driver.all(`select name from pragma_table_info('${table}')`).map(([name]) => String(name))
  } catch {
    return { rows: [], whole: false }
  }
  const toRow = (values: SqlValue[]): Row =>
    Object.fromEntries(columns.map((column, i) => [column, values[i] ?? null]))
  const key = table === 'meta' ? 'id' : 'position'
  const select = `select ${columns.join(', ')} from ${table}`
  try {
    return { rows: driver.all(`${select} order by ${key}`).map(toRow), whole: true }
  } catch {
    return { rows: readAround(driver, select, key).map(toRow), whole: false }
  }
}

/** One row after the other from both ends, up to where it breaks. */
function readAround(driver: SqliteDriver, select: string, key: string): SqlValue[][] {
  const found = new Map<string, SqlValue[]>()
  const walk = (start: SqlValue, next: string): void => {
    let at = start
    for (;;) {
      const position = driver.all(`select ${key} ${select.slice(select.indexOf(' from '))} ${next}`, [
        at,
      ])[0]?.[0]
      if (position === undefined || position === null) return
      at = position
      for (const row of driver.all(`${select} where ${key} = ?`, [at])) found.set(JSON.stringify(row), row)
    }
  }
  const attempt = (run: () => void): void => {
    try {
      run()
    } catch {
      // That far and no further.
    }
  }
  attempt(() => walk(Number.MIN_SAFE_INTEGER, `where ${key} > ? order by ${key} limit 1`))
  attempt(() => walk(Number.MAX_SAFE_INTEGER, `where ${key} < ? order by ${key} desc limit 1`))
  return [...found.values()]
}

/** A page that was overwritten may still be read as rows, of anything. */
function isSound(table: RescuedTable, row: Row): boolean {
  switch (table) {
    case 'outbox':
    case 'rejections':
      return Number.isSafeInteger(row.position) && Number.isSafeInteger(row.issued_at) && isOp(table, row)
    case 'replaced':
    case 'settled':
      return Number.isSafeInteger(row.position) && typeof row.op_id === 'string'
    case 'meta':
      return row.extensions === undefined || isJson(row.extensions)
  }
}

function isOp(table: RescuedTable, row: Row): boolean {
  try {
    const op = opFromRow(OP_COLUMNS.split(', ').map((column) => row[column] ?? null))
    return staticFault(op) === undefined && (table === 'outbox' || isJson(row.error))
  } catch {
    return false
  }
}

function isJson(text: SqlValue | undefined): boolean {
  if (typeof text !== 'string') return false
  try {
    parseJson(text)
    return true
  } catch {
    return false
  }
}

/** `first`: positions are kept. What another database held comes behind, in the order it had there. */
function putBack(driver: SqliteDriver, { tables }: Salvage, first: boolean): void {
  const tablesOfIds = ['outbox', 'rejections', 'settled'].map((table) => `select op_id from ${table}`)
  const known = new Set(driver.all(tablesOfIds.join(' union ')).flat())
  const offset = first ? 0 : highest(driver)
  const placed = new Set<SqlValue | undefined>()
  for (const row of tables.outbox) {
    if (known.has(row.op_id ?? null)) continue
    placed.add(row.position)
    // Only the server that this database followed knows what its acknowledgements are about.
    insert(driver, 'outbox', shift(first ? row : { ...row, acked_seq: null }, offset))
  }
  for (const row of tables.replaced)
    if (placed.has(row.position)) insert(driver, 'replaced', shift(row, offset))
  for (const row of tables.rejections) {
    if (!known.has(row.op_id ?? null)) insert(driver, 'rejections', shift(row, offset))
  }
  for (const row of tables.settled) insert(driver, 'settled', shift(row, offset))
  const [meta] = tables.meta
  for (const column of first ? KEPT_OF_META : []) {
    const value = meta?.[column]
    if (value !== undefined) driver.run(`update meta set ${column} = ? where id = 1`, [value])
  }
}

function highest(driver: SqliteDriver): number {
  const tables = ['outbox', 'rejections', 'settled'].map((table) => `select max(position) as p from ${table}`)
  return Number(driver.all(`select coalesce(max(p), 0) from (${tables.join(' union all ')})`)[0]?.[0])
}

function shift(row: Row, offset: number): Row {
  return { ...row, position: Number(row.position) + offset }
}

function insert(driver: SqliteDriver, table: RescuedTable, row: Row): void {
  const known = driver.all(`select name from pragma_table_info('${table}')`).map(([name]) => String(name))
  const columns = known.filter((column) => row[column] !== undefined)
  driver.run(
    `insert or ignore into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
    columns.map((column) => row[column] ?? null),
  )
}

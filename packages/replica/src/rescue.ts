import { asIntegerOrNull, asPosition, asText, asTextOrNull } from './damage.js'
import type { SqliteDriver, SqlValue } from './driver.js'
import { extensionsFrom } from './meta.js'
import { PENDING_COLUMNS, pendingFromRow } from './outbox.js'
import type { PreciousRows } from './precious.js'
import { errorFrom, REJECTION_COLUMNS, rejectionFromRow } from './rejections.js'
import { openReplica } from './replica.js'
import { type Row, readableShape, salvageTable, tableFault } from './salvage-table.js'
import { openSchema } from './schema.js'

/** What no server can give back, read from a database that may be damaged: plain rows, by table. */
export interface Salvage {
  readonly tables: { readonly [table in RescuedTable]: readonly Row[] }
  /** Whether everything that was in the outbox and among the refused writes is here. */
  readonly complete: boolean
}

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
  const shape = readableShape(driver)
  const readAll = (table: RescuedTable): readonly Row[] => {
    const { rows, whole } = salvageTable(driver, shape, table, table === 'meta' ? 'id' : 'position')
    const sound = soundRows(table, rows)
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

/** What was put aside as rows elsewhere, as a salvage: what is no op is left out, and makes it incomplete. */
export function salvageRows(rows: PreciousRows, complete: boolean): Salvage {
  const all = { outbox: [], replaced: [], rejections: [], settled: [], meta: [], ...rows }
  const sound = (table: keyof PreciousRows): readonly Row[] => soundRows(table, all[table])
  const tables = {
    ...all,
    // Which history of the store an acknowledgement is about is not known here; the server knows the op by its id.
    outbox: sound('outbox').map((row): Row => ({ ...row, acked_seq: null })),
    replaced: sound('replaced'),
    rejections: sound('rejections'),
  }
  const lost = (table: keyof PreciousRows): boolean => tables[table].length < all[table].length
  return { tables, complete: complete && !(lost('outbox') || lost('replaced') || lost('rejections')) }
}

/**
 * What is wrong with the tables that no server can give back, as far as SQLite can tell; undefined when nothing is.
 * @throws what SQLite throws when they cannot be written: a header may say that the file must only be read.
 */
export function preciousFault(driver: SqliteDriver): string | undefined {
  const there = new Set(driver.all("select name from sqlite_schema where type = 'table'").flat())
  for (const table of PRECIOUS) {
    if (!there.has(table)) continue
    const fault = tableFault(driver, table)
    if (fault !== undefined) return fault
    // Changes no page, and asks for the right to.
    driver.run(`delete from ${table} where false`)
  }
  return undefined
}

export interface Restored {
  /** How many pending ops and refused writes have come into the database. */
  readonly count: number
}

/**
 * Makes an empty database a replica that holds what was salvaged and knows nothing of the server's: in one
 * transaction, so that a database with a schema holds all of it and can be opened. Of an op that was salvaged more
 * than once, the earlier salvage is taken.
 */
export function restoreReplica(driver: SqliteDriver, store: string, salvages: readonly Salvage[]): Restored {
  return driver.transaction(() => {
    openSchema(driver, store)
    for (const [i, salvage] of salvages.entries()) putBack(driver, salvage, i === 0)
    // Else it would be rescued from again, to no better end.
    openReplica({ driver, store, deviceId: '', now: () => 0 })
    return { count: countKept(driver) }
  })
}

/**
 * Puts what was salvaged behind what a replica has, in one transaction. An op that is pending, refused or recently
 * settled there is not taken again.
 */
export function adoptSalvage(driver: SqliteDriver, store: string, salvage: Salvage): Restored {
  return driver.transaction(() => {
    openSchema(driver, store)
    const before = countKept(driver)
    putBack(driver, salvage, false)
    return { count: countKept(driver) - before }
  })
}

function countKept(driver: SqliteDriver): number {
  const count = driver.all('select (select count(*) from outbox) + (select count(*) from rejections)')
  return Number(count[0]?.[0])
}

/** A page that was overwritten may still be read as rows, of anything; only what a replica can be opened on is taken. */
function soundRows(table: RescuedTable, rows: readonly Row[]): readonly Row[] {
  const ids = new Set<SqlValue | undefined>()
  return rows.filter((row) => {
    const twice = table === 'outbox' && ids.has(row.op_id)
    ids.add(row.op_id)
    return !twice && isSound(table, row)
  })
}

function isSound(table: RescuedTable, row: Row): boolean {
  // Columns that the version of the database does not have are null.
  const of = (columns: string): SqlValue[] => columns.split(', ').map((column) => row[column] ?? null)
  try {
    switch (table) {
      case 'outbox':
        pendingFromRow(of(PENDING_COLUMNS))
        break
      case 'rejections':
        rejectionFromRow(of(REJECTION_COLUMNS))
        break
      case 'replaced':
        asPosition(row.position)
        asText(row.op_id)
        break
      case 'settled':
        asPosition(row.position)
        asText(row.op_id)
        asIntegerOrNull(row.revision)
        if (row.error !== null) errorFrom(asText(row.error))
        break
      case 'meta':
        asTextOrNull(row.incarnation ?? null)
        if (row.extensions !== undefined) extensionsFrom(asText(row.extensions))
    }
    return true
  } catch {
    return false
  }
}

/** `first`: positions are kept. What another database held comes behind, in the order it had there. */
function putBack(driver: SqliteDriver, { tables }: Salvage, first: boolean): void {
  const tablesOfIds = ['outbox', 'replaced', 'rejections', 'settled'].map(
    (table) => `select op_id from ${table}`,
  )
  const known = new Set(driver.all(tablesOfIds.join(' union ')).flat())
  const offset = first ? 0 : highest(driver)
  const placed = new Set<SqlValue | undefined>()
  const isKnown = (row: Row): boolean => known.has(row.op_id ?? null)
  const taken = tables.outbox.filter((row) => !isKnown(row))
  for (const row of batchesApart(taken, tables.outbox.filter(isKnown))) {
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

/** A part of a batch must not go out under the batch's id: what is left of one are ops of their own. */
export function batchesApart(rows: readonly Row[], missing: readonly Row[]): readonly Row[] {
  const torn = new Set<SqlValue>(missing.flatMap((row) => row.batch_id ?? []))
  if (torn.size === 0) return rows
  return rows.map((row) =>
    torn.has(row.batch_id ?? null) ? { ...row, batch_id: null, batch_separate: null } : row,
  )
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

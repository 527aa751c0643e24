import type { SqliteDriver, SqlValue } from './driver.js'
import { columnNames, isUnwritten, namesOf, type Shape, shapeOf } from './schema-shape.js'

/** A row by the names of its columns. */
export type Row = { readonly [column: string]: SqlValue }

/** The tables that a database seems to have; undefined when there must be some that cannot be seen. */
export function readableShape(driver: SqliteDriver): Shape | undefined {
  try {
    const shape = shapeOf(driver)
    return shape.size > 0 || isUnwritten(driver) ? shape : undefined
  } catch {
    return undefined
  }
}

export interface SalvagedRows {
  readonly rows: readonly Row[]
  /** Whether these are all that were in the table; it may never have been there. */
  readonly whole: boolean
}

/** Reads what can be read of a table, of any version, in the order of its key. Never throws. */
export function salvageTable(
  driver: SqliteDriver,
  shape: Shape | undefined,
  table: string,
  key: string,
): SalvagedRows {
  if (!shape) return { rows: [], whole: false }
  const found = find(shape, table)
  if (!found) return { rows: [], whole: !isMissing(shape, table) }
  const { name, columns } = found
  const toRow = (values: SqlValue[]): Row =>
    Object.fromEntries(columns.map(({ known }, i) => [known, values[i] ?? null]))
  const keyColumn = columns.find(({ known }) => known === key)?.actual ?? key
  const from = `from ${quoted(name)}`
  const select = `select ${columns.map(({ actual }) => quoted(actual)).join(', ')} ${from}`
  try {
    const rows = driver.all(`${select} order by ${quoted(keyColumn)}`).map(toRow)
    return { rows, whole: tableFault(driver, name) === undefined }
  } catch {
    return { rows: readAround(driver, select, from, quoted(keyColumn)).map(toRow), whole: false }
  }
}

/** What is wrong with the pages of a table: rows may be missing although it can be read. */
export function tableFault(driver: SqliteDriver, name: string): string | undefined {
  try {
    const line = String(driver.all(`pragma quick_check(${quoted(name)})`)[0]?.[0])
    return line === 'ok' ? undefined : line
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

interface Found {
  readonly name: string
  /** What a column is called in the database, and what it was called when the database was made. */
  readonly columns: readonly { readonly actual: string; readonly known: string }[]
}

/** Under its name, or else under any: the schema is text, and may be what is damaged. */
function find(shape: Shape, table: string): Found | undefined {
  const versions = columnNames(table)
  const columnsOf = (name: string): string[] => namesOf(shape.get(name) ?? [])
  const isLike = (names: readonly string[]): boolean =>
    versions.some((version) => version.join() === names.join())
  const name = shape.has(table) ? table : Array.from(shape.keys()).find((other) => isLike(columnsOf(other)))
  if (name === undefined) return undefined
  const actual = columnsOf(name)
  const known = versions.find(({ length }) => length === actual.length) ?? actual
  return { name, columns: actual.map((column, i) => ({ actual: column, known: known[i] ?? column })) }
}

/** Of a database of the first version, or of none, nothing is missing that came later. */
function isMissing(shape: Shape, table: string): boolean {
  if (shape.size === 0) return false
  return isOld(table) || Array.from(shape.keys()).some((name) => !isOld(name))
}

/** Whether each version has the table. */
function isOld(table: string): boolean {
  return columnNames(table).length === columnNames('outbox').length
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** One row after the other from both ends, up to where it breaks. */
function readAround(driver: SqliteDriver, select: string, from: string, key: string): SqlValue[][] {
  const found: SqlValue[][] = []
  const visited = new Set<SqlValue>()
  const walk = (start: SqlValue, next: string): void => {
    let at = start
    for (;;) {
      const position = driver.all(`select ${key} ${from} ${next}`, [at])[0]?.[0]
      // Where the order is broken, this would go round for ever.
      if (position === undefined || position === null || visited.has(position)) return
      visited.add(position)
      at = position
      found.push(...driver.all(`${select} where ${key} = ?`, [at]))
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
  return found
}

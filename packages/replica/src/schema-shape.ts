import type { SqliteDriver } from './driver.js'

/** The tables of a database; of each, its columns in order: name, type, `!` for not null, `#n` for the primary key. */
export type Shape = ReadonlyMap<string, readonly string[]>

const ENTRIES = 'path text! #1, value text!, type text!, seq integer!, synced_at integer'
const SETTLED = 'position integer #1, op_id text!, revision integer, error text'
const OUTBOX_1 =
  'position integer #1, op_id text!, op text!, path text!, value text!, if_match integer, if_absent integer!, ' +
  'waits_for text, acked_seq integer, issued_at integer!'
const OUTBOX_2 = `${OUTBOX_1}, fence text, batch_id text, batch_separate integer`
const REJECTIONS_2 =
  'position integer #1, op_id text!, op text!, path text!, value text!, if_match integer, if_absent integer!, ' +
  'fence text, batch_id text, issued_at integer!, rejected_at integer!, error text!'
const VERSION_2 = {
  entries: ENTRIES,
  meta:
    'id integer #1, cursor integer!, incarnation text, extensions text!, staged_seq integer, staged_after text, ' +
    'staged_cursor integer, staged_incarnation text',
  replaced: 'position integer! #1, op_id text! #2',
  settled: SETTLED,
  staged: ENTRIES,
}

/**
 * The shape of each version, the first one first; a test compares them with what the migrations make. Two versions
 * never have the same one, so that a version that is not the shape's is known to be wrong.
 */
const SHAPES: readonly Shape[] = [
  { entries: ENTRIES, meta: 'id integer #1, cursor integer!', outbox: OUTBOX_1, settled: SETTLED },
  { ...VERSION_2, outbox: OUTBOX_2, rejections: REJECTIONS_2 },
  { ...VERSION_2, outbox: `${OUTBOX_2}, sum integer`, rejections: `${REJECTIONS_2}, sum integer` },
].map((tables) => new Map(Object.entries(tables).map(([table, columns]) => [table, columns.split(', ')])))

/** The shape that a database has. */
export function shapeOf(driver: SqliteDriver): Shape {
  const shape = new Map<string, string[]>()
  for (const [table, name, type, notNull, key] of driver.all(COLUMNS)) {
    const column = `${name} ${String(type).toLowerCase()}${notNull === 1 ? '!' : ''}${key === 0 ? '' : ` #${key}`}`
    const there = shape.get(String(table))
    if (there) there.push(column)
    else shape.set(String(table), [column])
  }
  return shape
}

const COLUMNS =
  'select t.name, c.name, c.type, c."notnull", c.pk from pragma_table_list as t join pragma_table_info(t.name) as c ' +
  "where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' order by t.name, c.cid"

/** Whether nothing was ever written to a database. A schema that cannot be read may look like none. */
export function isUnwritten(driver: SqliteDriver): boolean {
  const one = (sql: string): number => Number(driver.all(sql)[0]?.[0])
  if (one('pragma user_version') !== 0 || one('pragma page_count') > 1) return false
  return one('select count(*) from sqlite_schema') === 0
}

/**
 * Why a database cannot be a replica of the version that it says; undefined when it can. What a newer version looks
 * like is not known here: any other shape passes for one.
 */
export function schemaFault(driver: SqliteDriver): string | undefined {
  const version = Number(driver.all('pragma user_version')[0]?.[0])
  const shape = shapeOf(driver)
  const expected = SHAPES[version - 1]
  if (expected) return difference(expected, shape)
  const same = SHAPES.findIndex((known) => difference(known, shape) === undefined)
  if (same >= 0) return `it is of version ${same + 1}, and says ${version}`
  return version > SHAPES.length ? undefined : `it says that it is of version ${version}`
}

function difference(expected: Shape, shape: Shape): string | undefined {
  for (const [table, columns] of expected) {
    const found = shape.get(table)
    if (!found) return `the table ${table} is missing`
    if (found.join() !== columns.join()) return `the table ${table} has other columns`
  }
  const strange = Array.from(shape.keys()).find((table) => !expected.has(table))
  return strange === undefined ? undefined : `there is a table ${strange}`
}

/** The names of a table's columns, in each version that has it. */
export function columnNames(table: string): readonly string[][] {
  return SHAPES.flatMap((shape) => {
    const columns = shape.get(table)
    return columns ? [namesOf(columns)] : []
  })
}

export function namesOf(columns: readonly string[]): string[] {
  return columns.map((column) => column.split(' ')[0] ?? column)
}

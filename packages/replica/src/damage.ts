import { StorageError } from '@dustlayer/protocol'
import type { SqliteDriver, SqlValue } from './driver.js'

/**
 * A row holds what this library cannot have written: something else has changed the file, and nothing in it can be
 * relied on. `fields.table` tells where.
 */
export class DamagedRowError extends StorageError {
  override readonly name: string = 'DamagedRowError'

  constructor(table: string, cause: unknown) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    super('storage_failed', `The local database has a damaged row in ${table} (${detail}).`, {
      cause,
      fields: { table },
    })
  }
}

/**
 * Makes something of rows that were read. SQLite's own checks look at structure only, so what cannot be made is
 * damage; the driver is told, because whoever asked may be anybody.
 * @throws DamagedRowError
 */
export function fromRows<T>(driver: SqliteDriver, table: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    const damage = error instanceof DamagedRowError ? error : new DamagedRowError(table, error)
    driver.onDamage?.(damage)
    throw damage
  }
}

/** @throws TypeError, as the others below: for {@link fromRows}. */
export function asText(value: SqlValue | undefined): string {
  if (typeof value === 'string') return value
  throw new TypeError(`${kindOf(value)} in place of a text`)
}

export function asInteger(value: SqlValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new TypeError(`${kindOf(value)} in place of an integer`)
}

/** What no device ever comes to write, and what would leave no number for the next row. */
const BEYOND = 2 ** 50

/** A row's place in a table that is written at its end. */
export function asPosition(value: SqlValue | undefined): number {
  const position = asInteger(value)
  if (position > 0 && position < BEYOND) return position
  throw new TypeError(`${position} in place of a position`)
}

/** A clock may tell parts of milliseconds. */
export function asTime(value: SqlValue | undefined): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new TypeError(`${kindOf(value)} in place of a time`)
}

export function asTextOrNull(value: SqlValue | undefined): string | null {
  return value === null ? null : asText(value)
}

export function asIntegerOrNull(value: SqlValue | undefined): number | null {
  return value === null ? null : asInteger(value)
}

function kindOf(value: SqlValue | undefined): string {
  return value === null ? 'null' : typeof value
}

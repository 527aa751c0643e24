import { isUnwritten, preciousFault, type SqliteDriver, schemaFault } from '@dustlayer/replica'
import { messageOf } from './storage-error.js'

/** What a look at a database says: a new one, a good one, or what is wrong with it. */
export type Soundness = 'empty' | 'sound' | { readonly damage: string }

/**
 * Reads the header, the schema and what no server can give back, and all pages with `thoroughly`: about a millisecond,
 * and about 50 for a database of 100,000 entries (docs/decisions/0102). What the rows say shows when they are read.
 */
export function judge(driver: SqliteDriver, thoroughly: boolean): Soundness {
  try {
    if (isUnwritten(driver)) return 'empty'
    const fault = schemaFault(driver) ?? preciousFault(driver)
    if (fault !== undefined) return { damage: fault }
    if (thoroughly) {
      const lines = driver.all('pragma quick_check(1)').map(([line]) => String(line))
      if (lines[0] !== 'ok') return { damage: lines[0] ?? 'it cannot be checked' }
    }
    return 'sound'
  } catch (error) {
    return { damage: messageOf(error) }
  }
}

/** The same of a database that was sound: whether it is any more. */
export function isDamaged(driver: SqliteDriver): boolean {
  return judge(driver, true) !== 'sound'
}

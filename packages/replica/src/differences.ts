import { compareUtf8, type EntryType, type JsonValue, parseJson } from '@dustlayer/protocol'
import { asInteger, asText, fromRows } from './damage.js'
import type { SqliteDriver, SqlValue } from './driver.js'
import { asType } from './entry-table.js'

/** A path at which the staged state says something else than the confirmed one. */
export type Difference =
  | {
      readonly kind: 'set'
      readonly path: string
      readonly value: JsonValue
      readonly type: EntryType
      readonly seq: number
    }
  | { readonly kind: 'vanished'; readonly path: string }

const CHUNK = 500

/** SQLite compares, so that equal rows cost no more than a look. */
const SET =
  'select s.path, s.value, s.type, s.seq from staged as s left join entries as e on e.path = s.path ' +
  'where s.path > ? and (e.path is null or e.value <> s.value or e.type <> s.type) order by s.path limit ?'
const VANISHED =
  'select e.path from entries as e left join staged as s on s.path = e.path ' +
  'where e.path > ? and s.path is null order by e.path limit ?'

/**
 * What a swap of the two states would change, in chunks, so that memory is bounded by them: first the values that
 * are new or others, then the entries that are gone, both in path order. A revision alone is no difference.
 */
export function* differences(driver: SqliteDriver): Generator<Difference> {
  for (let after = '', more = true; more; ) {
    const rows = driver.all(SET, [after, CHUNK])
    for (const [path, text, type, seq] of rows) {
      const set = fromRows(driver, 'staged', () => ({
        kind: 'set' as const,
        path: behind(after, path),
        value: parseJson(asText(text)),
        type: asType(type),
        seq: asInteger(seq),
      }))
      after = set.path
      yield set
    }
    more = rows.length === CHUNK
  }
  for (let after = '', more = true; more; ) {
    const rows = driver.all(VANISHED, [after, CHUNK])
    for (const [path] of rows) {
      const from = after
      after = fromRows(driver, 'entries', () => behind(from, path))
      yield { kind: 'vanished', path: after }
    }
    more = rows.length === CHUNK
  }
}

/** @throws TypeError for a path that is not: reading on behind it would never come to an end. */
function behind(before: string, value: SqlValue | undefined): string {
  const path = asText(value)
  if (compareUtf8(before, path) < 0) return path
  throw new TypeError(`${path} behind ${before}`)
}

import type { EntryType } from '@dustlayer/protocol'
import type { SqliteDriver } from './driver.js'

/** A path at which the staged state says something else than the confirmed one. */
export type Difference =
  | {
      readonly kind: 'set'
      readonly path: string
      readonly text: string
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
      // The columns are those of entries.
      after = path as string
      yield { kind: 'set', path: after, text: text as string, type: type as EntryType, seq: seq as number }
    }
    more = rows.length === CHUNK
  }
  for (let after = '', more = true; more; ) {
    const rows = driver.all(VANISHED, [after, CHUNK])
    for (const [path] of rows) {
      after = path as string
      yield { kind: 'vanished', path: after }
    }
    more = rows.length === CHUNK
  }
}

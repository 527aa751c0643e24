import { addDigest, digestText, EMPTY_DIGEST, entryDigest } from '@dustlayer/protocol'
import { allRows, type EntryTable } from './entry-table.js'

/** The digest of all rows. Reads them all. */
export function digestOf(table: Pick<EntryTable, 'rows'>): string {
  let sum = EMPTY_DIGEST
  for (const { path, type, seq, text } of allRows(table))
    sum = addDigest(sum, entryDigest(path, type, seq, text))
  return digestText(sum)
}

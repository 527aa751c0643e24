import { addDigest, digestText, EMPTY_DIGEST, entryDigest } from '@dustlayer/protocol'
import { type EntryTable, rowChunks } from './entry-table.js'
import type { Steps } from './steps.js'

/** The digest of all rows. Reads them all; means something only if none of them changes meanwhile. */
export function* digestOf(table: Pick<EntryTable, 'rows'>): Steps<string> {
  let sum = EMPTY_DIGEST
  for (const rows of rowChunks(table)) {
    for (const { path, type, seq, text } of rows) sum = addDigest(sum, entryDigest(path, type, seq, text))
    yield
  }
  return digestText(sum)
}

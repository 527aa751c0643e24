import { StorageError } from '@dustlayer/protocol'
import type { Database } from '@sqlite.org/sqlite-wasm'

/**
 * Sets pragmas, in their order: SQLite answers a refusal with the value that it keeps, not with an error.
 * @throws StorageError when an answer is another one.
 */
export function expectPragmas(
  db: Database,
  name: string,
  expected: readonly (readonly [pragma: string, answer: string])[],
): void {
  for (const [pragma, answer] of expected) {
    const got = db.selectValue(`pragma ${pragma}`)
    if (got !== answer) {
      throw new StorageError('storage_failed', `${name}: SQLite answered ${got} to "pragma ${pragma}".`)
    }
  }
}

/** SQLite reads on in a file that is shorter than it says of itself; WAL can be read without shared memory. */
export const LENIENT = 'pragma locking_mode = exclusive; pragma writable_schema = on'

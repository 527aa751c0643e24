import type { DatabaseFiles } from './database-files.js'
import { LaterEpochError } from './later-epoch.js'
import type { StorageTerms } from './storage.js'
import { messageOf } from './storage-error.js'

export type { StorageTerms } from './storage.js'

/** One kind of storage. Whether a browser has it shows only by trying it (docs/browsers.md). */
export interface Rung {
  readonly name: string
  /**
   * @throws when this browser, or this page, cannot have it.
   * @throws the signal's reason when it aborts, and LaterEpochError, which no lower rung helps against.
   */
  open(terms: StorageTerms): Promise<DatabaseFiles>
}

/** Where the ladder ended. */
export interface Landing {
  readonly files: DatabaseFiles
  /** What failed on the rungs above. */
  readonly reason: string | undefined
}

/**
 * The first rung that opens.
 * @throws AggregateError that tells what failed on each rung, when none opens.
 * @throws LaterEpochError as a rung does.
 */
export async function openLadder(rungs: readonly Rung[], terms: StorageTerms): Promise<Landing> {
  const { signal } = terms
  const reasons: string[] = []
  const failures: unknown[] = []
  for (const rung of rungs) {
    signal.throwIfAborted()
    try {
      const files = await rung.open(terms)
      return { files, reason: reasons.length === 0 ? undefined : reasons.join('; ') }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof LaterEpochError) throw error
      failures.push(error)
      reasons.push(`${rung.name}: ${messageOf(error)}`)
    }
  }
  throw new AggregateError(failures, reasons.join('; '))
}

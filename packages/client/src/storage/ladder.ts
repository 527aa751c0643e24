import type { SqliteDriver } from '@dustlayer/replica'
import type { StorageInfo } from '../tab/tab-protocol.js'

/** Where the leader keeps its databases, one for each store. */
export interface Storage {
  readonly info: StorageInfo
  /** Opens the store's database, creating it when it is not there. */
  open(store: string): Promise<SqliteDriver>
  /** Releases all handles. The drivers must be closed before. */
  close(): Promise<void>
}

/** One kind of storage. Whether a browser has it shows only by trying it (spec/sqlite-wasm.md). */
export interface Rung {
  readonly name: string
  /** @throws when this browser, or this page, cannot have it. */
  open(): Promise<Storage>
}

/**
 * The first rung that opens. What failed before it is told in `info.reason`.
 * @throws the last rung's error when none opens.
 */
export async function openLadder(rungs: readonly [Rung, ...Rung[]]): Promise<Storage> {
  const reasons: string[] = []
  let failure: unknown
  for (const rung of rungs) {
    try {
      const storage = await rung.open()
      return reasons.length === 0 ? storage : withReason(storage, reasons.join('; '))
    } catch (error) {
      failure = error
      reasons.push(`${rung.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw failure
}

function withReason(storage: Storage, reason: string): Storage {
  return { info: { ...storage.info, reason }, open: storage.open, close: storage.close }
}

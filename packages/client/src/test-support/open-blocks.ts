import { StorageError } from '@dustlayer/protocol'
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import type { DatabaseFiles } from '../storage/database-files.js'
import { indexedDbRung } from '../storage/indexeddb.js'
import type { StorageFault } from '../storage/storage.js'
import type { BlockDisk } from './memory-blocks.js'

let installed = 0

/** The rung of blocks on a disk of the test's; `faults` is what it has told. */
export async function openBlocksForTest(
  sqlite3: Sqlite3Static,
  disk: BlockDisk,
): Promise<{ readonly files: DatabaseFiles; readonly faults: readonly StorageFault[] }> {
  const faults: StorageFault[] = []
  const rung = indexedDbRung({
    sqlite3,
    vfsName: () => `test-${++installed}`,
    openBlocks: async () => disk.open(),
    toError: async (cause) => new StorageError('quota_exceeded', String(cause)),
  })
  const files = await rung.open({
    epoch: 1,
    signal: new AbortController().signal,
    onWaiting: () => undefined,
    onFault: (fault) => faults.push(fault),
  })
  return { files, faults }
}

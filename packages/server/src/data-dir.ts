import { type Blobs, createBlobs } from './blobs.js'
import type { Catalog } from './catalog.js'
import type { Clock } from './clock.js'
import { lockDataDir } from './data-lock.js'
import { openCatalog } from './sqlite/catalog-file.js'
import type { Synchronous } from './sqlite/database.js'
import { createSqliteEngine } from './sqlite/store-file.js'
import type { StorageEngine } from './storage.js'
import { createStoreHub, type StoreHub } from './store-hub.js'

export interface DataDirOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly synchronous?: Synchronous | undefined
  /** Another engine for the contents of stores than SQLite files in the directory. */
  readonly engine?: StorageEngine | undefined
}

/** A data directory, held by this process alone. */
export interface DataDir {
  readonly catalog: Catalog
  readonly hub: StoreHub
  readonly blobs: Blobs
  close(): void
}

/** @throws StorageError when another process holds the directory, or it cannot be opened. */
export function openDataDir({ dataDir, clock, synchronous = 'full', engine }: DataDirOptions): DataDir {
  const unlock = lockDataDir(dataDir)
  try {
    const catalog = openCatalog(dataDir)
    const hub = createStoreHub({
      catalog,
      clock,
      engine: engine ?? createSqliteEngine({ dataDir, synchronous }),
    })
    return {
      catalog,
      hub,
      blobs: createBlobs(dataDir),
      close() {
        hub.close()
        catalog.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

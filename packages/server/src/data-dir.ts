import { type Blobs, createBlobs } from './blobs.js'
import type { Catalog } from './catalog.js'
import type { Clock } from './clock.js'
import type { CompactionPolicy } from './compaction-policy.js'
import { lockDataDir } from './data-lock.js'
import type { Logger } from './log.js'
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
  /** How much of their logs stores keep: null for all, the default policy unless given. */
  readonly compaction?: CompactionPolicy | null | undefined
  readonly logger?: Logger | undefined
}

/** A data directory, held by this process alone. */
export interface DataDir {
  readonly catalog: Catalog
  readonly hub: StoreHub
  readonly blobs: Blobs
  close(): void
}

/** @throws StorageError when another process holds the directory, or it cannot be opened. */
export function openDataDir(options: DataDirOptions): DataDir {
  const { dataDir, clock, synchronous = 'full', engine, compaction, logger } = options
  const unlock = lockDataDir(dataDir)
  try {
    const catalog = openCatalog(dataDir)
    const hub = createStoreHub({
      catalog,
      clock,
      compaction,
      logger,
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

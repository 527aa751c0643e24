import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { StorageEngine, StoreStorage } from '../storage.js'
import { openDatabase, type Synchronous } from './database.js'
import { createEntryTable } from './entry-table.js'
import { createFileTable } from './file-table.js'
import { createHistory } from './history.js'
import { createOpLog } from './op-log.js'
import { createReceipts, RECEIPTS_KEPT } from './receipts.js'
import { STORE_MIGRATIONS } from './store-schema.js'

export interface SqliteEngineOptions {
  /** The data directory; stores live in `stores/<org>/<name>.db` below it. */
  readonly dataDir: string
  readonly synchronous?: Synchronous
  /** How many receipts a store keeps at least; 100,000 unless given. */
  readonly receiptsKept?: number
}

/** The embedded engine: one SQLite file a store, through better-sqlite3. */
export function createSqliteEngine(options: SqliteEngineOptions): StorageEngine {
  const { dataDir, synchronous = 'full', receiptsKept = RECEIPTS_KEPT } = options
  return {
    open: (org, name) => openStoreFile(join(dataDir, 'stores', org, `${name}.db`), synchronous, receiptsKept),
  }
}

function openStoreFile(file: string, synchronous: Synchronous, receiptsKept: number): StoreStorage {
  const db = openDatabase({ file, migrations: STORE_MIGRATIONS, synchronous })
  const entries = createEntryTable(db, 'entries')
  const log = createOpLog(db)
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  return {
    entries,
    log,
    history: createHistory(db, log),
    receipts: createReceipts(db, receiptsKept),
    files: createFileTable(db),
    transaction(body) {
      begin.run()
      try {
        const result = body()
        commit.run()
        return result
      } catch (error) {
        // A full disk makes SQLite roll back by itself.
        if (db.inTransaction) rollback.run()
        entries.rolledBack()
        throw error
      }
    },
    sizeBytes: () => statSync(file).size,
    close: () => db.close(),
  }
}

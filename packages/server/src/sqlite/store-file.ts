import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { StorageEngine, StoreStorage } from '../storage.js'
import { openDatabase, type Synchronous, type Trace } from './database.js'
import { createDeviceTable } from './device-table.js'
import { createCurrentEntries } from './entry-table.js'
import { createFileTable } from './file-table.js'
import { createHistory } from './history.js'
import { createIdentity, createMetaTable } from './meta-table.js'
import { createOpLog } from './op-log.js'
import { createReceipts, RECEIPTS_KEPT } from './receipts.js'
import { createRunningDigest } from './running-digest.js'
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
  const { dataDir, synchronous = 'full', receiptsKept } = options
  return {
    open(org, name) {
      const db = openStoreDatabase(join(dataDir, 'stores', org, `${name}.db`), synchronous)
      return createStoreStorage(db, receiptsKept)
    },
  }
}

/**
 * Opens the file of a store, bringing its schema up to date. @throws StorageError as {@link openDatabase} does.
 */
export function openStoreDatabase(file: string, synchronous: Synchronous, trace?: Trace): Database {
  return openDatabase({ file, migrations: STORE_MIGRATIONS, synchronous, trace })
}

/** The storage of a store in a database that {@link openStoreDatabase} has opened; closing it closes that. */
export function createStoreStorage(db: Database, receiptsKept = RECEIPTS_KEPT): StoreStorage {
  const meta = createMetaTable(db)
  const digest = createRunningDigest(db, meta)
  const entries = createCurrentEntries(db, digest)
  const log = createOpLog(db)
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const savepoint = db.prepare('SAVEPOINT nested')
  const release = db.prepare('RELEASE nested')
  const undo = db.prepare('ROLLBACK TO nested')
  return {
    identity: createIdentity(db, meta),
    entries,
    log,
    history: createHistory(db, log),
    receipts: createReceipts(db, receiptsKept),
    files: createFileTable(db),
    devices: createDeviceTable(db),
    transaction(body) {
      const before = entries.totals()
      begin.run()
      try {
        const result = body()
        digest.save()
        commit.run()
        return result
      } catch (error) {
        // A full disk makes SQLite roll back by itself.
        if (db.inTransaction) rollback.run()
        entries.restore(before)
        throw error
      }
    },
    nested(body) {
      const before = entries.totals()
      savepoint.run()
      try {
        const result = body()
        release.run()
        return result
      } catch (error) {
        if (db.inTransaction) {
          undo.run()
          release.run()
        }
        entries.restore(before)
        throw error
      }
    },
    // One in memory has no file.
    sizeBytes: () => (db.memory ? 0 : statSync(db.name).size),
    close: () => db.close(),
  }
}

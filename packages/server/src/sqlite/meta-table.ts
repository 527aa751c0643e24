import { StorageError } from '@dustlayer/protocol'
import type { Database } from 'better-sqlite3'
import type { Identity } from '../storage.js'

/** Single facts about a store. */
export interface MetaTable {
  get(key: string): string | undefined
  set(key: string, value: string): void
}

export function createMetaTable(db: Database): MetaTable {
  const get = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck()
  const set = db.prepare<[string, string]>('INSERT OR REPLACE INTO meta VALUES (?, ?)')
  return {
    get: (key) => get.get(key),
    set: (key, value) => void set.run(key, value),
  }
}

const INCARNATION = 'incarnation'

/** Incarnations are made by SQLite, as its migrations do for new files. */
export function createIdentity(db: Database, meta: MetaTable): Identity {
  const incarnation = () => {
    const known = meta.get(INCARNATION)
    if (known !== undefined) return known
    throw new StorageError('storage_failed', `${db.name} has lost its incarnation. Restore it from a backup.`)
  }
  const renew = db.transaction(() => {
    db.exec(`
      UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = '${INCARNATION}';
      DELETE FROM devices;`)
    return incarnation()
  })
  return { incarnation, renew: () => renew.immediate() }
}

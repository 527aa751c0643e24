import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { StorageError } from '@dustlayer/protocol'
import Database from 'better-sqlite3'

/**
 * Makes this process the only server of a data directory. The lock is one that the operating system drops when
 * the process ends, however it ends. Returns the function that releases it.
 * @throws StorageError when another process has it, or the directory cannot be written.
 */
export function lockDataDir(dataDir: string): () => void {
  const file = join(dataDir, 'server.lock')
  let db: Database.Database | undefined
  try {
    // Everybody's data is in it: for this user only.
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    db = new Database(file, { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db?.close()
    const busy = cause instanceof Database.SqliteError && cause.code.startsWith('SQLITE_BUSY')
    const message = busy
      ? `Another dust-server is using ${dataDir}. Stop it, or choose another directory with --data.`
      : `Cannot use ${dataDir}: ${cause instanceof Error ? cause.message : String(cause)}. Check its rights and the disk.`
    throw new StorageError('storage_failed', message, { cause })
  }
  const held = db
  return () => held.close()
}

import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { StorageError } from '@dustlayer/protocol'
import Database from 'better-sqlite3'

/** `full` survives a power cut, `normal` only the end of the process (see docs/decisions/0020). */
export type Synchronous = 'full' | 'normal'

/** Told of each statement before it is carried out; what it throws fails the statement. */
export type Trace = (sql: string) => void

export interface OpenOptions {
  readonly file: string
  /** `migrations[n]` takes a file from version n to n + 1. */
  readonly migrations: readonly string[]
  readonly synchronous: Synchronous
  readonly trace?: Trace | undefined
}

// Another process (the command line) may hold a write lock for a moment.
const BUSY_TIMEOUT_MS = 5_000

/**
 * Opens or creates a database file and brings its schema up to date.
 * @throws StorageError when the file cannot be opened, or was written by a newer version.
 */
export function openDatabase({ file, migrations, synchronous, trace }: OpenOptions): Database.Database {
  try {
    mkdirSync(dirname(file), { recursive: true })
    const db = new Database(file, {
      timeout: BUSY_TIMEOUT_MS,
      ...(trace && { verbose: (sql: unknown) => trace(String(sql)) }),
    })
    try {
      db.pragma('journal_mode = WAL')
      db.pragma(`synchronous = ${synchronous}`)
      db.pragma('temp_store = memory')
      migrate(db, file, migrations)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    if (error instanceof StorageError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new StorageError(
      'storage_failed',
      `Cannot open ${file}: ${reason}. Check its rights and the disk.`,
      {
        cause: error,
      },
    )
  }
}

function migrate(db: Database.Database, file: string, migrations: readonly string[]): void {
  const run = db.transaction(() => {
    const version = Number(db.pragma('user_version', { simple: true }))
    if (version > migrations.length) {
      throw new StorageError(
        'storage_failed',
        `${file} has schema version ${version}, and this server knows versions up to ${migrations.length}. ` +
          'Use the server version that wrote it, or a newer one.',
      )
    }
    if (version === migrations.length) return
    for (const sql of migrations.slice(version)) db.exec(sql)
    db.pragma(`user_version = ${migrations.length}`)
  })
  run.immediate()
}

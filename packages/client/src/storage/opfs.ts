import { StorageError } from '@dustlayer/protocol'
import type { Clock } from '@dustlayer/sync'
import type { Database, SAHPoolUtil, Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import { randomId } from '../random-id.js'
import { withDeadline } from './deadline.js'
import type { Rung, Storage } from './ladder.js'
import { createPoolRoom } from './pool-room.js'
import { createWasmDriver } from './wasm-driver.js'

export interface OpfsOptions {
  readonly sqlite3: Sqlite3Static
  readonly instance: string
  readonly clock: Clock
  /** In [0, 1). */
  random(): number
}

const INITIAL_CAPACITY = 6
const INSTALL_DEADLINE_MS = 10_000
const ATTEMPTS = 8
const FIRST_RETRY_MS = 20

/**
 * The first rung: SQLite on a pool of OPFS access handles, one database file for each store.
 * The caller holds the instance's lock for as long as the storage is open (spec/sqlite-wasm.md, traps).
 */
export function opfsRung(options: OpfsOptions): Rung {
  return { name: 'opfs', open: () => openOpfs(options) }
}

async function openOpfs(options: OpfsOptions): Promise<Storage> {
  const { sqlite3 } = options
  await probeAccessHandles()
  const pool = await installPool(options)
  const room = createPoolRoom(pool)
  const persisted = await navigator.storage.persisted().catch(() => null)
  return {
    info: { kind: 'opfs', persisted },
    async open(store) {
      const file = `/${encodeURIComponent(store)}.db`
      await room.reserve(file)
      const db = new pool.OpfsSAHPoolDb(file)
      try {
        makeDurable(db, store)
        return createWasmDriver(sqlite3, db)
      } catch (error) {
        db.close()
        throw error
      }
    },
    async close() {
      pool.pauseVfs()
    },
  }
}

/** Having the function is not having handles: some browsers refuse when one is opened, so open one. */
async function probeAccessHandles(): Promise<void> {
  const root = await navigator.storage.getDirectory()
  const name = randomId('.dust-probe-')
  // TypeScript's page library, which this package is checked with, lacks what only workers have.
  const file: FileSystemFileHandle & SyncFileHandle = await root.getFileHandle(name, { create: true })
  try {
    const handle = await file.createSyncAccessHandle?.()
    if (!handle) throw new Error('the browser has no access handles')
    handle.close()
  } finally {
    await root.removeEntry(name)
  }
}

interface SyncFileHandle {
  createSyncAccessHandle?(): Promise<{ close(): void }>
}

/** A dying page may hold its handles for a moment longer than its lock, so a failed install is tried again. */
async function installPool({ sqlite3, instance, clock, random }: OpfsOptions): Promise<SAHPoolUtil> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withDeadline(
        install(sqlite3, instance),
        INSTALL_DEADLINE_MS,
        clock,
        'opening the database files',
      )
    } catch (error) {
      if (attempt === ATTEMPTS || !isBusy(error)) throw error
      await pause(clock, FIRST_RETRY_MS * 2 ** (attempt - 1) * (0.5 + random()))
    }
  }
}

async function install(sqlite3: Sqlite3Static, instance: string): Promise<SAHPoolUtil> {
  const options: PoolOptions = {
    name: `dust-${instance}`,
    directory: `.dust-${instance}`,
    initialCapacity: INITIAL_CAPACITY,
    preserveOnInitFailure: true,
    forceReinitIfPreviouslyFailed: true,
  }
  const pool = await sqlite3.installOpfsSAHPoolVfs(options)
  // This worker has led before: the library gives the pool that was paused when it stepped down.
  return pool.isPaused() ? pool.unpauseVfs() : pool
}

type PoolOptions = Parameters<Sqlite3Static['installOpfsSAHPoolVfs']>[0] & {
  /** Missing in the library's declarations; without it a retry gives the first failure again. */
  readonly forceReinitIfPreviouslyFailed: boolean
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && ['NoModificationAllowedError', 'InvalidStateError'].includes(error.name)
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve)
  })
}

/**
 * WAL needs exclusive locking to be set first, and SQLite answers a refusal with the mode it keeps, not with an
 * error. FULL, because a write's promise says that it is durable.
 */
function makeDurable(db: Database, store: string): void {
  const expected: readonly (readonly [pragma: string, answer: string | number])[] = [
    ['locking_mode = exclusive', 'exclusive'],
    ['journal_mode = wal', 'wal'],
  ]
  for (const [pragma, answer] of expected) {
    const got = db.selectValue(`pragma ${pragma}`)
    if (got !== answer) {
      throw new StorageError('storage_failed', `${store}: SQLite answered ${got} to "pragma ${pragma}".`)
    }
  }
  db.exec('pragma synchronous = full; pragma temp_store = memory')
}

import type { Clock } from '@dustlayer/sync'
import type { SAHPoolUtil, Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import type { DatabaseFiles } from './database-files.js'
import { withDeadline } from './deadline.js'
import type { Rung, StorageTerms } from './ladder.js'
import { createPoolRoom } from './pool-room.js'
import { expectPragmas, LENIENT } from './pragmas.js'
import { openReserve, type Reserve } from './reserve.js'
import { untilFree } from './until-free.js'
import { createWasmDriver } from './wasm-driver.js'

export interface OpfsOptions {
  readonly sqlite3: Sqlite3Static
  readonly instance: string
  readonly clock: Clock
  /** In [0, 1). */
  random(): number
  /** A name that no VFS of this worker has had. */
  vfsName(): string
}

const INITIAL_CAPACITY = 6
const INSTALL_DEADLINE_MS = 10_000
/** When the app has what it was opened for. */
const FILL_AFTER_MS = 3_000
const FILL_PAUSE_MS = 100

/**
 * The first rung: SQLite on a pool of OPFS access handles, one database file for each store.
 * The caller holds the instance's lock for as long as the storage is open.
 */
export function opfsRung(options: OpfsOptions): Rung {
  return { name: 'opfs', open: (terms) => openOpfs(options, terms) }
}

async function openOpfs(options: OpfsOptions, { signal, onWaiting }: StorageTerms): Promise<DatabaseFiles> {
  const { instance, clock, random } = options
  const root = await navigator.storage.getDirectory()
  const directory = await root.getDirectoryHandle(directoryOf(instance), { create: true })
  const waiting = { clock, random, signal, onWaiting }
  // Having the function is not having handles: some browsers refuse when one is opened, and this opens one.
  const reserve = await untilFree(() => openReserve(directory, 'reserve'), waiting)
  try {
    const pool = await untilFree(() => installInTime(options), waiting)
    return createFiles(options, pool, reserve)
  } catch (error) {
    reserve.close()
    throw error
  }
}

function createFiles(
  { sqlite3, instance, clock }: OpfsOptions,
  pool: SAHPoolUtil,
  reserve: Reserve,
): DatabaseFiles {
  const room = createPoolRoom(pool)
  const fill = (): void => {
    if (reserve.fillMore()) cancelFilling = clock.setTimer(FILL_PAUSE_MS, fill)
  }
  let cancelFilling = clock.setTimer(FILL_AFTER_MS, fill)
  const fileOf = (name: string): string => `/${name}.db`
  return {
    kind: 'opfs',
    names: () =>
      pool.getFileNames().flatMap((file) => (file.endsWith('.db') ? [file.slice(1, -'.db'.length)] : [])),
    async open(name) {
      const file = fileOf(name)
      // SQLite removes its log when it closes the database.
      const unclean = pool.getFileNames().includes(`${file}-wal`)
      await room.reserve(file)
      const db = new pool.OpfsSAHPoolDb(file)
      try {
        // WAL needs exclusive locking to be set first.
        expectPragmas(db, name, [
          ['locking_mode = exclusive', 'exclusive'],
          ['journal_mode = wal', 'wal'],
        ])
        // FULL, because a write's promise says that it is durable.
        db.exec('pragma synchronous = full; pragma temp_store = memory')
        return { driver: createWasmDriver(sqlite3, db), unclean, durable: () => null }
      } catch (error) {
        db.close()
        throw error
      }
    },
    async openDamaged(name) {
      const db = new pool.OpfsSAHPoolDb(fileOf(name))
      db.exec(LENIENT)
      return createWasmDriver(sqlite3, db)
    },
    async remove(name) {
      for (const suffix of ['', '-wal', '-journal']) pool.unlink(fileOf(name) + suffix)
      room.forget(fileOf(name))
    },
    makeRoom: reserve.release,
    get roomy() {
      return reserve.kept
    },
    present: () => hasFiles(instance),
    async close() {
      cancelFilling()
      reserve.close()
      pool.pauseVfs()
    },
    abandon: () => cancelFilling(),
  }
}

/** Whether the instance's directory is there, as far as the browser tells. Makes nothing. Never rejects. */
export async function hasFiles(instance: string): Promise<boolean> {
  try {
    const root = await navigator.storage.getDirectory()
    await root.getDirectoryHandle(directoryOf(instance))
    return true
  } catch {
    return false
  }
}

/** The instance's directory. */
export function directoryOf(instance: string): string {
  return `.dust-${instance}`
}

/** One that comes too late lets go of its files again. */
async function installInTime(options: OpfsOptions): Promise<SAHPoolUtil> {
  const installing = install(options)
  try {
    return await withDeadline(installing, INSTALL_DEADLINE_MS, options.clock, 'opening the database files')
  } catch (error) {
    installing.then(
      (pool) => void pool.pauseVfs(),
      () => undefined,
    )
    throw error
  }
}

async function install({ sqlite3, instance, vfsName }: OpfsOptions): Promise<SAHPoolUtil> {
  const options: PoolOptions = {
    // Another one each time: under its old name the library would give the pool of before, whose directory may be
    // gone by now.
    name: vfsName(),
    directory: directoryOf(instance),
    initialCapacity: INITIAL_CAPACITY,
    preserveOnInitFailure: true,
    forceReinitIfPreviouslyFailed: true,
  }
  return sqlite3.installOpfsSAHPoolVfs(options)
}

type PoolOptions = Parameters<Sqlite3Static['installOpfsSAHPoolVfs']>[0] & {
  /** Missing in the library's declarations; without it a retry gives the first failure again. */
  readonly forceReinitIfPreviouslyFailed: boolean
}

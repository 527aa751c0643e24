import { StorageError } from '@dustlayer/protocol'
import type { Salvage } from '@dustlayer/replica'
import type { Clock } from '@dustlayer/sync'
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import type { UseStore } from 'idb-keyval'
import type { DatabaseFiles } from './database-files.js'
import { withDeadline } from './deadline.js'
import { storeOf } from './generations.js'
import { createInstanceDatabase, type InstanceDatabase } from './idb.js'
import { openIdbBlocks, storedNames } from './idb-blocks.js'
import { openIdbMirror } from './idb-mirror.js'
import { indexedDbRung } from './indexeddb.js'
import type { IoErrors } from './io-errors.js'
import { createKeeper, type Keeper } from './keeper.js'
import { type Landing, openLadder, type Rung } from './ladder.js'
import { createLedger, loadLedger } from './ledger.js'
import { memoryRung } from './memory.js'
import { type Mirror, openMirror } from './mirror.js'
import { opfsRung } from './opfs.js'
import type { Storage, StorageFault, StorageTerms } from './storage.js'
import { faultOf, messageOf, noRoom, type Room, toStorageError } from './storage-error.js'

/**
 * Which rungs of the ladder an app allows:
 * - `auto`: the best that the browser has.
 * - `require-persistent`: the same without memory; it fails where nothing can be kept.
 * - `indexeddb`: IndexedDB, else memory, for tests and for browsers whose OPFS is at fault.
 * - `memory`: nothing is kept on this device.
 */
export type StorageMode = 'auto' | 'require-persistent' | 'indexeddb' | 'memory'

export interface StorageOpenerOptions {
  sqlite(): Promise<Sqlite3Static>
  readonly ioErrors: IoErrors
  readonly instance: string
  readonly mode: StorageMode
  /** Why tabs cannot take turns here, which whatever is kept depends on; undefined where they can. */
  readonly alone: string | undefined
  readonly clock: Clock
  /** In [0, 1). */
  random(): number
  newId(): string
}

const BELOW_DEADLINE_MS = 1_000

/** Opens the storage of this worker's instance, each time that it comes to lead. */
export function createStorageOpener(
  options: StorageOpenerOptions,
): (terms: StorageTerms) => Promise<Storage> {
  const { instance, mode, alone, clock, ioErrors, newId } = options
  /** What this worker read from databases that failed, for its next storage. */
  const salvaged = new Map<string, Salvage>()
  /** The data of the site was removed under the last storage of this worker. */
  let evicted = false
  let pools = 0
  const vfsName = (): string => `dust-${instance}-${++pools}`

  const indexedDbOf = (sqlite3: Sqlite3Static, database: InstanceDatabase): Rung =>
    indexedDbRung({
      sqlite3,
      vfsName,
      openBlocks: (epoch) => openIdbBlocks(database.blocks, epoch),
      toError: toCommitError,
    })

  const rungs = (sqlite3: Sqlite3Static, database: InstanceDatabase): readonly Rung[] => {
    const memory = memoryRung(sqlite3)
    if (mode === 'memory') return [memory]
    const last = mode === 'require-persistent' ? [] : [memory]
    if (alone !== undefined) return [refused(alone), ...last]
    const opfs = opfsRung({ sqlite3, instance, clock, random: options.random, vfsName })
    const indexedDb = indexedDbOf(sqlite3, database)
    return mode === 'indexeddb' ? [indexedDb, ...last] : [opfs, indexedDb, ...last]
  }

  const land = async (terms: StorageTerms, database: InstanceDatabase): Promise<Landing> => {
    try {
      return await openLadder(rungs(await options.sqlite(), database), terms)
    } catch (error) {
      if (mode === 'require-persistent' && error instanceof AggregateError) throw notPersistent(error)
      throw error
    }
  }

  return async (terms) => {
    let keeper: Keeper | undefined
    const database = createInstanceDatabase({ instance, clock, onLost: () => void lookAfterLoss() })
    const loading =
      mode === 'memory' || alone !== undefined ? createLedger() : loadLedger(database.ledger, clock)
    let open: DatabaseFiles | undefined
    let second: Promise<Mirror> | undefined
    // This reign lasts only until the tabs have replaced their workers, which must not wait for a copy that the next one
    // makes anyway (docs/decisions/0104).
    const passing = evicted
    evicted = false
    /** A browser that clears the data of a site closes its databases; it may do that for other reasons as well. */
    const lookAfterLoss = async (): Promise<void> => {
      const ledger = await loading
      if (await ledger.intact()) return
      if (open && (await staysPresent(open, clock))) {
        // Somebody has deleted the database of the ledger, and nothing else.
        await ledger.restore()
        await (await second)?.restore()
        return
      }
      evicted = true
      keeper?.fail({ kind: 'evicted', error: new Error('The browser has removed the data of this site.') })
    }
    try {
      const onFault = (fault: StorageFault): void => {
        // The writers hear of it first; what is said after a fault reaches nobody.
        clock.setTimer(0, () => keeper?.fail(fault))
      }
      const told = { ...terms, onFault }
      const lower = mode === 'memory' || alone !== undefined ? [] : namesBelow(database.blocks, clock)
      if ((mode === 'auto' || mode === 'require-persistent') && alone === undefined && !passing)
        second = openMirror(openIdbMirror(database.blocks, terms.epoch), clock)
      const [{ files, reason }, ledger, stored, mirror] = await Promise.all([
        land(told, database),
        loading,
        lower,
        second,
      ])
      open = files
      const leftBehind =
        files.kind === 'opfs' && stored.length > 0
          ? // What cannot be had now is fetched another time.
            await indexedDbOf(await options.sqlite(), database)
              .open(told)
              .catch(() => undefined)
          : undefined
      const opened = await createKeeper({
        files,
        reason,
        ledger,
        leftBehind,
        // The other rungs are in IndexedDB themselves, or keep nothing.
        mirror: files.kind === 'opfs' ? mirror : undefined,
        salvaged,
        now: clock.now,
        newId,
        persisted: askPersisted,
        room: askRoom,
        takeIoError: ioErrors.take,
        onFault: terms.onFault,
      })
      keeper = opened
      return {
        ...opened,
        async close() {
          await opened.close()
          await database.close()
        },
      }
    } catch (error) {
      await open?.close()
      await database.close()
      throw error
    }
  }
}

/**
 * What a lower rung holds. A worker that hangs may have left a transaction open there, for which this one would wait for
 * as long as it hangs: what cannot be seen now is fetched another time.
 */
async function namesBelow(blocks: UseStore, clock: Clock): Promise<readonly string[]> {
  const names = withDeadline(storedNames(blocks), BELOW_DEADLINE_MS, clock, 'looking at the other storage')
  return names.catch(() => [])
}

/** Looks more than once: what a browser clears goes piece by piece. */
async function staysPresent(files: DatabaseFiles, clock: Clock): Promise<boolean> {
  for (const pause of [0, 500, 1_500]) {
    await new Promise<void>((resolve) => void clock.setTimer(pause, resolve))
    if (!(await files.present())) return false
  }
  return true
}

function refused(reason: string): Rung {
  return { name: 'opfs, indexeddb', open: () => Promise.reject(new Error(reason)) }
}

function notPersistent(cause: AggregateError): StorageError {
  return new StorageError(
    'not_persistent',
    `Nothing can be kept on this device, and this app was told to require that (${cause.message}). Leave the private window, or allow this site to store data.`,
    { cause, fields: { reason: cause.message } },
  )
}

async function toCommitError(cause: unknown, name: string): Promise<Error> {
  const store = storeOf(name)
  const detail = messageOf(cause)
  return faultOf(cause) === 'no-room'
    ? noRoom(store, detail, cause, await askRoom())
    : toStorageError(cause, store)
}

async function askPersisted(): Promise<boolean | null> {
  try {
    return await navigator.storage.persisted()
  } catch {
    return null
  }
}

async function askRoom(): Promise<Room> {
  try {
    const { usage = null, quota = null } = await navigator.storage.estimate()
    return { usage, quota }
  } catch {
    return { usage: null, quota: null }
  }
}

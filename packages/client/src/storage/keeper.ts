import { adoptSalvage, restoreReplica, type Salvage, type SqliteDriver, salvageReplica } from '@dustlayer/replica'
import type { StorageInfo } from '../tab/tab-protocol.js'
import type { DatabaseFile, DatabaseFiles } from './database-files.js'
import { type Generation, generationOf, generationsOf, storeOf } from './generations.js'
import type { Ledger, LedgerRecord, Recovery } from './ledger.js'
import { judge } from './soundness.js'
import type { Storage, StorageFault } from './storage.js'
import { faultOf, noRoom, type Room, toStorageError } from './storage-error.js'
import { watchDriver } from './watched-driver.js'

export interface KeeperOptions {
  readonly files: DatabaseFiles
  /** Why these files and not those of a better rung. */
  readonly reason: string | undefined
  readonly ledger: Ledger
  /** What a lower rung holds from a time when this one could not be had. */
  readonly leftBehind: DatabaseFiles | undefined
  /**
   * What was read from databases that this worker had open when they failed, by store. It outlives the storage, so
   * that the next one of the same worker begins with it.
   */
  readonly salvaged: Map<string, Salvage>
  /** Epoch ms. */
  now(): number
  newId(): string
  persisted(): Promise<boolean | null>
  room(): Promise<Room>
  /** What a file threw last, see IoErrors. */
  takeIoError(): Error | undefined
  /** What is open must be closed and opened again. Called once; nothing that is under way should be answered. */
  onFault(fault: StorageFault): void
}

export interface Keeper extends Storage {
  /** The databases were found to be gone or behind while they are open. */
  fail(fault: StorageFault): void
}

/** Keeps a sound database for each store, whatever happens to the files. */
export async function createKeeper(options: KeeperOptions): Promise<Keeper> {
  const { files, reason, ledger, leftBehind, salvaged, now, newId, room, takeIoError, onFault } = options
  let persisted = await options.persisted()
  let fault: StorageFault | undefined
  const noted: Promise<void>[] = []

  const fail = (found: StorageFault): void => {
    if (fault) return
    fault = found
    onFault(found)
  }

  const note = (store: string, change: Partial<LedgerRecord>): void => {
    const { kind } = files
    // What is in memory only is not expected to be there again.
    if (kind === 'memory') return
    const known = ledger.get(store)
    const record = known?.kind === kind ? known : newRecord(kind, newId())
    noted.push(ledger.set(store, { ...record, ...change }))
  }

  /** Begins a store's database anew. */
  const begin = async (
    store: string,
    { name }: Generation,
    salvages: readonly Salvage[],
    lost: Loss | undefined,
  ): Promise<Opened> => {
    // A database of that name that has no schema is a recovery that did not come to its end.
    await files.remove(name)
    const file = await files.open(name)
    try {
      const { count } = restoreReplica(file.driver, store, salvages)
      await file.durable()
      const recovered = lost && { at: now(), ...lost, rescued: count }
      note(store, { generation: newId(), suspect: null, ...(recovered && { recovered }) })
      salvaged.delete(store)
      return { file, name }
    } catch (error) {
      closeQuietly(file.driver)
      throw error
    }
  }

  const beginWithin = async (...args: Parameters<typeof begin>): Promise<Opened> => {
    try {
      return await begin(...args)
    } catch (error) {
      if (faultOf(error, takeIoError()) !== 'no-room' || !files.makeRoom()) throw error
      return begin(...args)
    }
  }

  const openJudged = async (store: string, { name }: Generation): Promise<Opened | Unsound> => {
    const suspect = ledger.get(store)?.suspect
    const accused = suspect?.name === name ? suspect : undefined
    if (accused?.damaged) return { damage: accused.detail }
    let file: DatabaseFile
    try {
      file = await files.open(name)
    } catch (error) {
      const kind = faultOf(error, takeIoError())
      if (kind !== 'damaged' && kind !== 'broken') throw error
      return { damage: messageOf(error) }
    }
    const judged = judge(file.driver, file.unclean || accused !== undefined)
    if (judged !== 'sound') {
      closeQuietly(file.driver)
      return { damage: judged === 'empty' ? null : judged.damage }
    }
    if (accused) note(store, { suspect: null })
    return { file, name }
  }

  const salvageFile = async ({ name }: Generation): Promise<Salvage> => {
    try {
      const driver = await files.openDamaged(name)
      const salvage = salvageReplica(driver)
      closeQuietly(driver)
      return salvage
    } catch {
      return NOTHING_READABLE
    }
  }

  const openSound = async (store: string): Promise<Opened> => {
    const inMemory = salvaged.get(store)
    const known = inMemory !== undefined || ledger.get(store)?.kind === files.kind
    const generations = generationsOf(store, files.names())
    const newest = generations[0]?.number ?? 1
    let unfinished = false
    for (const generation of generations) {
      const opened = await openJudged(store, generation)
      if ('file' in opened && !unfinished) {
        salvaged.delete(store)
        return opened
      }
      if ('file' in opened) closeQuietly(opened.file.driver)
      else if (opened.damage === null) {
        unfinished = true
        continue
      }
      // What a worker still had in memory is newer than what can be read of its file.
      const salvages = inMemory?.complete
        ? [inMemory]
        : [...(inMemory ? [inMemory] : []), await salvageFile(generation)]
      const detail = 'file' in opened ? 'its recovery was interrupted' : (opened.damage ?? '')
      const complete = salvages.some((salvage) => salvage.complete)
      return beginWithin(store, generationOf(store, newest + 1), salvages, {
        reason: 'damaged',
        detail,
        complete,
      })
    }
    const lost: Loss = {
      reason: 'evicted',
      detail: 'the database is gone',
      complete: inMemory?.complete ?? false,
    }
    return beginWithin(
      store,
      generationOf(store, newest),
      inMemory ? [inMemory] : [],
      known ? lost : undefined,
    )
  }

  /** Takes over what was written to the lower rung, and leaves nothing there. */
  const fetchLeft = async (store: string, { file }: Opened): Promise<void> => {
    if (!leftBehind) return
    const generations = generationsOf(store, leftBehind.names())
    for (const { name } of generations) {
      const driver = await leftBehind.openDamaged(name)
      const salvage = salvageReplica(driver)
      driver.close()
      // Without a schema it is a recovery that did not come to its end.
      if (salvage.tables.meta.length === 0) continue
      adoptSalvage(file.driver, store, salvage)
      await file.durable()
      break
    }
    for (const { name } of generations) await leftBehind.remove(name)
  }

  const watched = (store: string, { file, name }: Opened): SqliteDriver => {
    const driver = watchDriver(file.driver, (error) => {
      const kind = faultOf(error, takeIoErrorOf(error))
      if (kind !== 'damaged' && kind !== 'broken') return
      note(store, { suspect: { name, damaged: kind === 'damaged', detail: messageOf(error) } })
      fail({ kind, error })
    })
    return {
      ...driver,
      close() {
        // Refused writes must not come back, and a new page has nothing to remember.
        if (fault && fault.kind !== 'unwritten') salvaged.set(store, salvageReplica(file.driver))
        if (fault) closeQuietly(file.driver)
        else file.driver.close()
      },
    }
  }

  const ioErrors = new WeakMap<object, Error>()
  /** The same error passes more than one layer, and what the file threw is told once. */
  const takeIoErrorOf = (error: unknown): Error | undefined => {
    if (typeof error !== 'object' || error === null) return undefined
    const taken = takeIoError()
    if (taken) ioErrors.set(error, taken)
    return ioErrors.get(error)
  }

  // What only this worker's memory holds must not wait until somebody opens its store.
  for (const store of [...salvaged.keys()]) closeQuietly((await openSound(store)).file.driver)
  await Promise.all(noted)

  return {
    fail,
    async open(store) {
      const opened = await openSound(store)
      await fetchLeft(store, opened).catch((error: unknown) => {
        closeQuietly(opened.file.driver)
        throw error
      })
      return {
        driver: watched(store, opened),
        durable: opened.file.durable,
        info: () => infoOf(files.kind, persisted, reason, ledger.get(store)?.recovered ?? null),
        makeRoom: (error) => faultOf(error, takeIoErrorOf(error)) === 'no-room' && files.makeRoom(),
        async explain(error) {
          const ioError = takeIoErrorOf(error)
          if (faultOf(error, ioError) !== 'no-room') return toStorageError(error, store)
          return noRoom(store, messageOf(ioError ?? error), error, await room())
        },
        complete() {
          for (const { name } of generationsOf(store, files.names())) {
            // What cannot be removed now is removed when it is complete the next time.
            if (name !== opened.name) files.remove(name).catch(() => undefined)
          }
        },
      }
    },
    stores: () => [...new Set([...files.names(), ...(leftBehind?.names() ?? [])].map(storeOf))],
    async refresh() {
      persisted = await options.persisted()
    },
    async close() {
      // Whoever opens the files next must know what was found out about them.
      await Promise.all(noted)
      if (fault?.kind === 'evicted') files.abandon()
      else await files.close()
      await leftBehind?.close()
    },
  }
}

interface Opened {
  readonly file: DatabaseFile
  readonly name: string
}

interface Unsound {
  /** Null: there is nothing in it. */
  readonly damage: string | null
}

type Loss = Omit<Recovery, 'at' | 'rescued'>

const NOTHING_READABLE: Salvage = {
  tables: { outbox: [], replaced: [], rejections: [], settled: [], meta: [] },
  complete: false,
}

function newRecord(kind: LedgerRecord['kind'], generation: string): LedgerRecord {
  return { kind, generation, recovered: null, suspect: null }
}

function infoOf(
  kind: StorageInfo['kind'],
  persisted: boolean | null,
  reason: string | undefined,
  recovered: Recovery | null,
): StorageInfo {
  return {
    kind,
    persisted: kind === 'memory' ? null : persisted,
    ...(reason !== undefined && { reason }),
    ...(recovered && { recovered }),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A handle that failed may fail once more when it is closed; there is nothing to be done about it. */
function closeQuietly(driver: SqliteDriver): void {
  try {
    driver.close()
  } catch {
    // The files are opened anew.
  }
}

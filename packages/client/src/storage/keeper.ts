import { type Salvage, type SqliteDriver, salvageReplica } from '@dustlayer/replica'
import type { StorageInfo } from '../tab/status-report.js'
import type { DatabaseFiles } from './database-files.js'
import { generationsOf, storeOf } from './generations.js'
import type { Ledger, LedgerRecord, Recovery } from './ledger.js'
import type { Mirror } from './mirror.js'
import { createSoundOpener, type Opened } from './sound-opener.js'
import { isDamaged } from './soundness.js'
import type { Storage, StorageFault } from './storage.js'
import {
  faultOf,
  isRefusal,
  isUnexpected,
  messageOf,
  noRoom,
  noRoomToReceive,
  type Room,
  toStorageError,
} from './storage-error.js'
import type { StoreMirror } from './store-mirror.js'
import { closeQuietly, watchDriver } from './watched-driver.js'

export interface KeeperOptions {
  readonly files: DatabaseFiles
  /** Why these files and not those of a better rung. */
  readonly reason: string | undefined
  readonly ledger: Ledger
  /** What a lower rung holds from a time when this one could not be had. */
  readonly leftBehind: DatabaseFiles | undefined
  /** A second place for what is pending in these files; undefined where there is no other. */
  readonly mirror: Mirror | undefined
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
  const { files, reason, ledger, leftBehind, mirror, salvaged, newId, room, takeIoError, onFault } = options
  let persisted = await options.persisted()
  let fault: StorageFault | undefined
  let lastRoom: Room = { usage: null, quota: null }
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

  const accuse = (store: string, name: string, kind: 'damaged' | 'broken', error: unknown): void => {
    note(store, { suspect: { name, damaged: kind === 'damaged', detail: messageOf(error) } })
    fail({ kind, error })
  }

  const watched = (store: string, { file, name }: Opened): SqliteDriver =>
    watchDriver(file.driver, (error) => {
      if (fault) return
      const kind = faultOf(error, takeIoErrorOf(error))
      if (kind === 'damaged' || kind === 'broken') accuse(store, name, kind, error)
      else if (!kind && isUnexpected(error) && isDamaged(file.driver)) accuse(store, name, 'damaged', error)
    })

  const closing = (
    store: string,
    { file }: Opened,
    driver: SqliteDriver,
    second: StoreMirror | undefined,
  ): SqliteDriver => {
    return {
      ...driver,
      close() {
        second?.close(fault === undefined)
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

  const explain = async (store: string, error: unknown): Promise<Error> => {
    const ioError = takeIoErrorOf(error)
    if (faultOf(error, ioError) !== 'no-room') return toStorageError(error, store)
    return noRoom(store, messageOf(ioError ?? error), error, await room())
  }

  const openSound = createSoundOpener({ ...options, note })

  /** What only this worker's memory holds must not wait until somebody opens its store. */
  const putBack = async (store: string): Promise<void> => {
    try {
      closeQuietly((await openSound(store)).file.driver)
    } catch {
      // It stays in memory, and whoever opens the store tries again and is told.
    }
  }
  for (const store of [...salvaged.keys()]) await putBack(store)
  await Promise.all(noted)

  return {
    persistent: files.kind !== 'memory',
    fail,
    async open(store) {
      const opened = await openSound(store).catch(async (error: unknown) => {
        throw await explain(store, error)
      })
      const driver = watched(store, opened)
      const second = mirror?.follow(store, driver, () => ledger.get(store)?.generation ?? '')
      if (!files.roomy) mirror?.giveWay()
      return {
        driver: closing(store, opened, driver, second),
        durable: opened.file.durable,
        preciousChanged: (change) => second?.changed(change),
        info: () => ({
          ...infoOf(files.kind, persisted, reason, ledger.get(store)?.recovered ?? null),
          ...(second?.problem !== undefined && { unmirrored: second.problem }),
        }),
        condemn(error) {
          if (!fault && !isRefusal(error, takeIoErrorOf(error))) accuse(store, opened.name, 'damaged', error)
        },
        makeRoom(error) {
          if (faultOf(error, takeIoErrorOf(error)) !== 'no-room') return false
          mirror?.giveWay()
          return files.makeRoom()
        },
        noRoom(error) {
          const ioError = takeIoErrorOf(error)
          if (faultOf(error, ioError) !== 'no-room') return undefined
          // For the next one: this one cannot wait for the answer.
          room().then(
            (told) => {
              lastRoom = told
            },
            () => undefined,
          )
          return noRoomToReceive(store, messageOf(ioError ?? error), error, lastRoom)
        },
        explain: (error) => explain(store, error),
        complete() {
          for (const { name } of generationsOf(store, files.names())) {
            // What cannot be removed now is removed when it is complete the next time.
            if (name !== opened.name) files.remove(name).catch(() => undefined)
          }
        },
      }
    },
    stores: () => {
      const names = [...files.names(), ...(leftBehind?.names() ?? [])]
      return [...new Set([...names.map(storeOf), ...(mirror?.stores ?? [])])]
    },
    async refresh() {
      persisted = await options.persisted()
    },
    async close() {
      // Whoever opens the files next must know what was found out about them.
      await Promise.all(noted)
      if (fault?.kind === 'evicted') files.abandon()
      else await Promise.all([files.close(), mirror?.settled()])
      await leftBehind?.close()
    },
  }
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

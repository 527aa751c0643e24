import {
  adoptSalvage,
  isBehind,
  isOfThisVersion,
  mergeSalvages,
  remembersSince,
  restoreReplica,
  type Salvage,
  salvageReplica,
} from '@dustlayer/replica'
import type { DatabaseFile, DatabaseFiles } from './database-files.js'
import { type Generation, generationOf, generationsOf } from './generations.js'
import type { Ledger, LedgerRecord, Recovery } from './ledger.js'
import type { Mirror } from './mirror.js'
import { isDamaged, judge } from './soundness.js'
import { faultOf, isUnexpected, messageOf, openingFaultOf } from './storage-error.js'
import { closeQuietly } from './watched-driver.js'

export interface SoundOpenerOptions {
  readonly files: DatabaseFiles
  readonly ledger: Ledger
  /** What a lower rung holds from a time when this one could not be had. */
  readonly leftBehind: DatabaseFiles | undefined
  readonly mirror: Mirror | undefined
  /** What this worker read from databases that failed while it had them open, by store. */
  readonly salvaged: Map<string, Salvage>
  /** Epoch ms. */
  now(): number
  newId(): string
  note(store: string, change: Partial<LedgerRecord>): void
  /** What a file threw last, see IoErrors. */
  takeIoError(): Error | undefined
}

/** A database that can be relied on. */
export interface Opened {
  readonly file: DatabaseFile
  readonly name: string
  /** It was begun anew just now. */
  readonly begun: boolean
}

/**
 * Opens a store's database, whatever is there: a sound one as it is; in place of one that is damaged or gone a new one
 * that holds what could be rescued (docs/decisions/0101).
 */
export function createSoundOpener(options: SoundOpenerOptions): (store: string) => Promise<Opened> {
  const { files, ledger, leftBehind, mirror, salvaged, now, newId, note, takeIoError } = options

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
      return { file, name, begun: true }
    } catch (error) {
      closeQuietly(file.driver)
      throw error
    }
  }

  /** Gives up the reserve, if that is what it takes. */
  const withRoom = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      if (faultOf(error, takeIoError()) !== 'no-room' || !files.makeRoom()) throw error
      return run()
    }
  }

  /** Once more after an error: it may have been of the moment. */
  const openTwice = (name: string): Promise<DatabaseFile> => files.open(name).catch(() => files.open(name))

  const openJudged = async (store: string, { name }: Generation): Promise<Opened | Unsound> => {
    const suspect = ledger.get(store)?.suspect
    const accused = suspect?.name === name ? suspect : undefined
    if (accused?.damaged) return { damage: accused.detail }
    let file: DatabaseFile
    try {
      file = await openTwice(name)
    } catch (error) {
      const kind = openingFaultOf(error, takeIoError())
      if (kind !== 'damaged' && kind !== 'broken') throw error
      return { damage: messageOf(error) }
    }
    const judged = judge(file.driver, file.unclean || accused !== undefined)
    if (judged !== 'sound') {
      closeQuietly(file.driver)
      return { damage: judged === 'empty' ? null : judged.damage }
    }
    if (accused) note(store, { suspect: null })
    return { file, name, begun: false }
  }

  const salvageFile = async (from: DatabaseFiles, { name }: Generation): Promise<Salvage> => {
    try {
      const driver = await from.openDamaged(name)
      const salvage = salvageReplica(driver)
      closeQuietly(driver)
      return salvage
    } catch (error) {
      // The file may be whole, and cannot be had now.
      if (openingFaultOf(error, takeIoError()) === undefined) throw error
      return NOTHING_READABLE
    }
  }

  /** Also what the mirror has, where nothing else is known to have had everything. */
  const withMirrored = async (store: string, salvages: readonly Salvage[]): Promise<readonly Salvage[]> => {
    if (salvages.some(({ complete }) => complete)) return salvages
    const mirrored = await mirror?.read(store)
    const copy = await mirrored?.salvage().catch(() => undefined)
    if (!mirrored || !copy) return salvages
    // It is of a database before the one that is lost.
    if (mirrored.head.generation !== generationIn(store)) return [...salvages, { ...copy, complete: false }]
    const [newest, ...older] = salvages
    return newest ? [mergeSalvages(newest, copy), ...older] : [copy]
  }

  const generationIn = (store: string): string => ledger.get(store)?.generation ?? ''

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
      const salvages = await withMirrored(
        store,
        inMemory?.complete
          ? [inMemory]
          : [...(inMemory ? [inMemory] : []), await salvageFile(files, generation)],
      )
      const detail = 'file' in opened ? 'its recovery was interrupted' : (opened.damage ?? '')
      const complete = salvages.some((salvage) => salvage.complete)
      const lost = { reason: 'damaged', detail, complete } as const
      return withRoom(() => begin(store, generationOf(store, newest + 1), salvages, lost))
    }
    const salvages = await withMirrored(store, inMemory ? [inMemory] : [])
    const lost: Loss = {
      reason: 'evicted',
      detail: 'the database is gone',
      complete: salvages.some((salvage) => salvage.complete),
    }
    const told = known || salvages.length > 0 ? lost : undefined
    return withRoom(() => begin(store, generationOf(store, newest), salvages, told))
  }

  /**
   * A sound database that has lost its log is one of an earlier time, and nothing in it tells. The mirror does: an op
   * that was pending then, and is neither pending nor settled now, was lost.
   */
  const fetchLost = async (store: string, { file: { driver, durable } }: Opened): Promise<void> => {
    const mirrored = await mirror?.read(store)
    if (!mirrored || !isOfThisVersion(driver)) return
    const { generation, mark } = mirrored.head
    const same = generation === generationIn(store)
    if (same && !isBehind(driver, mark)) return
    if (!remembersSince(driver, same ? mark : { verdicts: 0 })) return
    const salvage = await mirrored.salvage().catch(() => undefined)
    if (!salvage) return
    const { count } = await withRoom(async () => adoptSalvage(driver, store, salvage))
    if (count === 0) return
    await durable()
    noteLoss(store, 'the last transactions were lost', count, same && salvage.complete)
  }

  /** Of a database that is used on. */
  const noteLoss = (store: string, detail: string, rescued: number, complete = false): void =>
    note(store, { recovered: { at: now(), reason: 'damaged', detail, rescued, complete } })

  /** Takes over what was written to the lower rung, and leaves nothing there. */
  const fetchLeft = async (store: string, { file }: Opened): Promise<void> => {
    if (!leftBehind) return
    const generations = generationsOf(store, leftBehind.names())
    for (const generation of generations) {
      const salvage = await salvageFile(leftBehind, generation)
      // It has no schema: a recovery that did not come to its end.
      if (isOfNothing(salvage)) continue
      const { count } = adoptSalvage(file.driver, store, salvage)
      await file.durable()
      if (!salvage.complete)
        noteLoss(store, 'what was written in IndexedDB meanwhile cannot all be read', count)
      break
    }
    for (const { name } of generations) await leftBehind.remove(name)
  }

  const openWhole = async (store: string): Promise<Opened> => {
    const opened = await openSound(store)
    try {
      if (!opened.begun) await fetchLost(store, opened)
      await fetchLeft(store, opened)
      return opened
    } catch (error) {
      const { driver } = opened.file
      // Nobody had looked at the pages where these were to go.
      const damaged =
        faultOf(error, takeIoError()) === 'damaged' || (isUnexpected(error) && isDamaged(driver))
      if (damaged) note(store, { suspect: { name: opened.name, damaged, detail: messageOf(error) } })
      closeQuietly(driver)
      throw error
    }
  }

  return async (store) => {
    try {
      return await openWhole(store)
    } catch (error) {
      if (!ledger.get(store)?.suspect?.damaged) throw error
      return openWhole(store)
    }
  }
}

function isOfNothing({ complete, tables }: Salvage): boolean {
  const { meta, outbox, rejections } = tables
  return complete && meta.length + outbox.length + rejections.length === 0
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

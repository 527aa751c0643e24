import { adoptSalvage, restoreReplica, type Salvage, salvageReplica } from '@dustlayer/replica'
import type { DatabaseFile, DatabaseFiles } from './database-files.js'
import { type Generation, generationOf, generationsOf } from './generations.js'
import type { Ledger, LedgerRecord, Recovery } from './ledger.js'
import { judge } from './soundness.js'
import { faultOf, messageOf } from './storage-error.js'
import { closeQuietly } from './watched-driver.js'

export interface SoundOpenerOptions {
  readonly files: DatabaseFiles
  readonly ledger: Ledger
  /** What a lower rung holds from a time when this one could not be had. */
  readonly leftBehind: DatabaseFiles | undefined
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
}

/**
 * Opens a store's database, whatever is there: a sound one as it is; in place of one that is damaged or gone a new one
 * that holds what could be rescued (docs/decisions/0101).
 */
export function createSoundOpener(options: SoundOpenerOptions): (store: string) => Promise<Opened> {
  const { files, ledger, leftBehind, salvaged, now, newId, note, takeIoError } = options

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

  return async (store) => {
    const opened = await openSound(store)
    try {
      await fetchLeft(store, opened)
      return opened
    } catch (error) {
      closeQuietly(opened.file.driver)
      throw error
    }
  }
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

import {
  isOfThisVersion,
  type PreciousChange,
  type PreciousMark,
  type PreciousTable,
  preciousMark,
  preciousPositions,
  readPrecious,
  SCHEMA_VERSION,
  type SqliteDriver,
} from '@dustlayer/replica'
import type { Clock } from '@dustlayer/sync'
import type { MirrorDisk, SheetChanges, StoredSheet } from './mirror-disk.js'
import { createShelf, type Shelf, UNKNOWN } from './mirror-shelf.js'
import { messageOf } from './storage-error.js'

/** A second copy of what a store's database has and no server can give back (docs/decisions/0140). */
export interface StoreMirror {
  /** A transaction has changed these rows. */
  changed(change: PreciousChange): void
  /**
   * The database is about to be closed. `sound`: what it says now is true, and all of it is mirrored before `settled`
   * resolves.
   */
  close(sound: boolean): void
  /** Resolves when nothing is on its way. */
  settled(): Promise<void>
  /** Why what was written last has no second copy; undefined when it has, or will soon. */
  readonly problem: string | undefined
}

export interface StoreMirrorOptions {
  readonly store: string
  readonly driver: SqliteDriver
  readonly disk: Pick<MirrorDisk, 'commit'>
  readonly clock: Clock
  /**
   * What the disk has; undefined when that is known to be nothing.
   * @throws (rejects) when it is nothing to be touched, or cannot be read.
   */
  readonly stored: (() => Promise<StoredMirror | null>) | undefined
  generation(): string
}

export interface StoredMirror {
  readonly schema: number
  readonly sheets: readonly StoredSheet[]
}

/** Whatever waits for longer than this under one leader is mirrored. */
export const MIRROR_AFTER_MS = 500

/** What waits for less is not: an app that is online has its writes acknowledged by then, and pays nothing. */
const YOUNG_MS = 250

const LONGEST_RETRY_MS = 60_000
const TABLES: readonly PreciousTable[] = ['outbox', 'rejections']

/** Up to which positions something is mirrored. */
type Horizons = { readonly [table in PreciousTable]: number }

const EVERYTHING: Horizons = { outbox: Number.MAX_SAFE_INTEGER, rejections: Number.MAX_SAFE_INTEGER }

/** Sheets that are read in one go, so that calls do not wait for long. */
const SLICE = 32

export function createStoreMirror(options: StoreMirrorOptions): StoreMirror {
  const { store, driver, disk, clock, stored, generation } = options
  const now = (): number => clock.monotonic?.() ?? clock.now()
  const shelfOf = (table: PreciousTable): Shelf =>
    createShelf((from, to) => readPrecious(driver, table, from, to))
  const shelves = { outbox: shelfOf('outbox'), rejections: shelfOf('rejections') }
  const begun = now()
  let cancelTimer: (() => void) | undefined
  /** Whether what was there at the beginning has been compared with the disk, or is about to be. */
  let compared = false
  let closed = false
  let failures = 0
  /** After a failure, nothing is tried before. */
  let notBefore = Number.NEGATIVE_INFINITY
  let problem: string | undefined
  /** Never rejects. */
  let underway: Promise<void> | undefined

  const know = (found: StoredMirror | null): void => {
    for (const table of TABLES) {
      const prints = new Map<number, string>()
      // Rows of another version are written again as they are now.
      for (const sheet of found?.sheets ?? [])
        if (sheet.table === table)
          prints.set(sheet.number, found?.schema === SCHEMA_VERSION ? sheet.print : UNKNOWN)
      shelves[table].know(prints)
    }
  }
  if (!stored) know(null)
  let loading: Promise<void> | undefined
  const loaded = async (): Promise<void> => {
    loading ??= stored?.().then(know)
    await loading
  }

  /** False when the database is of another version, and nothing of it is mirrored. */
  const compare = (): boolean => {
    if (compared) return true
    if (!isOfThisVersion(driver)) return false
    compared = true
    for (const table of TABLES) shelves[table].compare(preciousPositions(driver, table), begun)
    return true
  }

  const since = (): number => Math.min(...TABLES.map((table) => shelves[table].since))

  /**
   * With what is due goes what will be soon, or there would be a transaction for each write; and not what has just come:
   * of an app that goes on writing something is always on its way, and all of it would be copied once that has begun.
   */
  const horizons = (): Horizons => ({
    outbox: shelves.outbox.horizon(now(), YOUNG_MS),
    rejections: shelves.rejections.horizon(now(), YOUNG_MS),
  })

  /** Reads what may be different, so many sheets of it; true when that was all. */
  const gather = (upTo: Horizons, most: number): boolean =>
    TABLES.every((table) => shelves[table].gather(upTo[table], most))

  /** Stores what was gathered. The mark is of the moment when the last of it was read. */
  const commit = async (mark: PreciousMark, exact: boolean): Promise<void> => {
    const wasThere = TABLES.some((table) => !shelves[table].empty)
    const changes: SheetChanges = { outbox: shelves.outbox.take(), rejections: shelves.rejections.take() }
    const isThere = TABLES.some((table) => !shelves[table].empty)
    const same = changes.outbox.size + changes.rejections.size === 0
    if (same && !(exact && (wasThere || isThere))) return
    const head = { schema: SCHEMA_VERSION, generation: generation(), mark, exact }
    try {
      await disk.commit(store, changes, isThere ? head : null)
      failures = 0
      problem = undefined
    } catch (error) {
      failures += 1
      notBefore = now() + Math.min(LONGEST_RETRY_MS, MIRROR_AFTER_MS * 2 ** failures)
      problem = messageOf(error)
      for (const table of TABLES) shelves[table].giveBack(changes[table], now())
    }
  }

  const flush = async (): Promise<void> => {
    await loaded()
    if (closed || !compare()) return
    const upTo = horizons()
    while (!gather(upTo, SLICE)) {
      await new Promise<void>((resolve) => clock.setTimer(0, resolve))
      // What was gathered is taken care of there.
      if (closed) return
    }
    await commit(preciousMark(driver, upTo.outbox), false)
  }

  /** A database or a disk that cannot be read is no reason to touch the mirror. */
  const giveUp = (error: unknown): void => {
    closed = true
    cancelTimer?.()
    problem = messageOf(error)
  }

  const wait = (): number => Math.max(since() + MIRROR_AFTER_MS, notBefore) - now()

  const plan = (): void => {
    if (closed || cancelTimer || underway || since() === Number.POSITIVE_INFINITY) return
    cancelTimer = clock.setTimer(Math.max(0, wait()), run)
  }

  const run = (): void => {
    cancelTimer = undefined
    if (compared && wait() > 0) {
      plan()
      return
    }
    const flushing = flush()
      .catch(giveUp)
      .then(() => {
        if (underway === flushing) underway = undefined
        plan()
      })
    underway = flushing
  }

  /** What was read before the database was closed. */
  const finish = async (all: boolean, mark: PreciousMark, earlier = underway): Promise<void> => {
    await earlier
    await loaded()
    if (all) for (const table of TABLES) shelves[table].gatheredAll()
    await commit(mark, failures === 0)
  }

  cancelTimer = clock.setTimer(MIRROR_AFTER_MS, run)
  return {
    changed(change) {
      if (closed) return
      for (const table of TABLES)
        for (const [position, there] of change[table]) shelves[table].note(position, there, now())
      plan()
    },
    close(sound) {
      const open = !closed
      closed = true
      cancelTimer?.()
      if (!sound || !open) return
      try {
        const all = !compared
        if (!compare()) return
        gather(EVERYTHING, Number.POSITIVE_INFINITY)
        underway = finish(all, preciousMark(driver, EVERYTHING.outbox)).catch(giveUp)
      } catch (error) {
        giveUp(error)
      }
    },
    async settled() {
      await underway
    },
    get problem() {
      return problem
    },
  }
}

import {
  rowsOfSheets,
  type Salvage,
  SCHEMA_VERSION,
  type SqliteDriver,
  salvageRows,
} from '@dustlayer/replica'
import type { Clock } from '@dustlayer/sync'
import { withDeadline } from './deadline.js'
import type { MirrorDisk, MirrorHead } from './mirror-disk.js'
import { messageOf } from './storage-error.js'
import { createStoreMirror, type StoredMirror, type StoreMirror } from './store-mirror.js'

/** The second place of pending and refused writes, for databases whose files may be lost (docs/decisions/0140). */
export interface Mirror {
  /** The stores that something is here of. */
  readonly stores: readonly string[]
  /** What is here of a store; undefined when there is nothing, or it cannot be read. Never rejects. */
  read(store: string): Promise<Mirrored | undefined>
  /** Mirrors a database that has just been opened; `generation` as in the ledger. */
  follow(store: string, driver: SqliteDriver, generation: () => string): StoreMirror
  /**
   * Removes what is here of the stores that are followed, now and later, and copies nothing any more: on a full disk the
   * room is worth more to the databases, which may not even open without.
   */
  giveWay(): void
  /** IndexedDB has lost all that was there, and nothing else is lost: it is written anew. Never rejects. */
  restore(): Promise<void>
  /** Resolves when all that was closed is stored, or that takes too long. */
  settled(): Promise<void>
}

/** What is known of a store's mirror, and how to get at the rest. */
export interface Mirrored {
  readonly head: MirrorHead
  /**
   * All of it; complete if the database was closed in that state.
   * @throws (rejects) when it cannot be read.
   */
  salvage(): Promise<Salvage>
}

/** IndexedDB has been seen to hang for ever. */
const DEADLINE_MS = 3_000
const SETTLE_DEADLINE_MS = 1_000

/** Without a disk, all is as if there were no mirror, and whoever asks is told the reason. */
export async function openMirror(opening: Promise<MirrorDisk>, clock: Clock): Promise<Mirror> {
  try {
    return createMirror(await withDeadline(opening, DEADLINE_MS, clock, 'opening the second copy'), clock)
  } catch (error) {
    const off = mirrorless(messageOf(error))
    return {
      stores: [],
      read: async () => undefined,
      follow: () => off,
      giveWay: () => undefined,
      restore: async () => undefined,
      settled: async () => undefined,
    }
  }
}

export function createMirror(disk: MirrorDisk, clock: Clock): Mirror {
  const followed = new Map<string, Followed>()
  let full = false
  const within = <T>(reading: Promise<T>): Promise<T> =>
    withDeadline(reading, DEADLINE_MS, clock, 'reading the second copy')

  /** Who writes nothing that waits has nothing here, and costs nothing. */
  const mayHave = (store: string): boolean => followed.has(store) || disk.stores.includes(store)

  return {
    stores: disk.stores,
    async read(store) {
      if (!mayHave(store)) return undefined
      const reading = async (): Promise<MirrorHead | undefined> => {
        await followed.get(store)?.settled()
        return disk.head(store)
      }
      // What cannot be read now is not touched either.
      const head = await within(reading()).catch(() => undefined)
      if (!head || head.schema > SCHEMA_VERSION) return undefined
      return {
        head,
        salvage: async () => salvageRows(rowsOfSheets(await within(disk.sheets(store))), head.exact),
      }
    },
    follow(store, driver, generation) {
      const earlier = followed.get(store)
      const load = async (): Promise<StoredMirror | null> => {
        await earlier?.settled()
        const head = await within(disk.head(store))
        if (!head) return null
        if (head.schema > SCHEMA_VERSION)
          throw new Error('a newer version of this app has written the second copy')
        return { schema: head.schema, sheets: await within(disk.sheets(store)) }
      }
      const stored = mayHave(store) ? load : undefined
      const options = { store, driver, disk, clock, generation }
      const mirror = renewable(
        createStoreMirror({ ...options, stored }),
        // The disk has nothing of it any more.
        () => createStoreMirror({ ...options, stored: undefined }),
        () => disk.commit(store, { outbox: new Map(), rejections: new Map() }, null),
      )
      followed.set(store, mirror)
      if (full) mirror.giveWay()
      return mirror
    },
    giveWay() {
      full = true
      for (const mirror of followed.values()) mirror.giveWay()
    },
    async restore() {
      try {
        await within(disk.claim())
        for (const mirror of followed.values()) mirror.renew()
      } catch {
        // Each of them tells why it has no second copy.
      }
    },
    async settled() {
      const all = Promise.all(Array.from(followed.values(), (mirror) => mirror.settled()))
      // What does not get there in time may still, or is the next leader's to copy.
      await withDeadline(all, SETTLE_DEADLINE_MS, clock, 'storing the second copy').catch(() => undefined)
    },
  }
}

interface Followed extends StoreMirror {
  renew(): void
  giveWay(): void
}

function renewable(first: StoreMirror, another: () => StoreMirror, remove: () => Promise<void>): Followed {
  let current = first
  let closed = false
  /** Removed, or about to be. */
  let removing: Promise<void> | undefined
  return {
    changed: (change) => current.changed(change),
    close(sound) {
      closed = true
      current.close(sound)
    },
    settled: () => removing ?? current.settled(),
    get problem() {
      return current.problem
    },
    giveWay() {
      if (closed || removing) return
      const last = current
      last.close(false)
      current = mirrorless('the disk is full')
      removing = last
        .settled()
        .then(remove)
        // Whoever opens the store next removes it, or has room for it.
        .catch(() => undefined)
    },
    renew() {
      if (closed || removing) return
      current.close(false)
      current = another()
    },
  }
}

function mirrorless(problem: string): StoreMirror {
  return { changed: () => undefined, close: () => undefined, settled: async () => undefined, problem }
}

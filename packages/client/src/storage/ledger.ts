import type { Clock } from '@dustlayer/sync'
import { entries, set, type UseStore } from 'idb-keyval'
import { withDeadline } from './deadline.js'

/** A recovery of a store's local copy, as the app is told of it. */
export interface Recovery {
  /** Epoch ms. */
  readonly at: number
  /** `damaged`: the database could not be read as one. `evicted`: it was not there any more, or empty. */
  readonly reason: 'damaged' | 'evicted'
  /** In SQLite's words, where it has any. */
  readonly detail: string
  /** How many pending and refused writes the new copy began with. */
  readonly rescued: number
  /** False: some that were there could not be read, or nobody knows what was there. */
  readonly complete: boolean
}

/** What this browser should have of a store. */
export interface LedgerRecord {
  /** Made when its database was first created, so that one that is gone is known to have been there. */
  readonly generation: string
  /** Where. */
  readonly kind: 'opfs' | 'indexeddb'
  /** The last time that it had to be recovered. */
  readonly recovered: Recovery | null
  /** What a leader saw before it gave up: the name of the database, and whether it is damaged or may be. */
  readonly suspect: { readonly name: string; readonly damaged: boolean; readonly detail: string } | null
}

/** What this browser should have, kept apart from the databases so that the loss of one is noticed. */
export interface Ledger {
  get(store: string): LedgerRecord | undefined
  /** Kept in memory at once; resolves when it is on the disk. Never rejects: it is a help, not a promise. */
  set(store: string, record: LedgerRecord): Promise<void>
  /** Whether what was written is still there; true when it cannot be told. */
  intact(): Promise<boolean>
  /** Writes everything again. Never rejects. */
  restore(): Promise<void>
}

const DEADLINE_MS = 3_000

/** An empty one where IndexedDB cannot be had. */
export async function loadLedger(useStore: UseStore, clock: Clock): Promise<Ledger> {
  const read = () => withDeadline(entries(useStore), DEADLINE_MS, clock, 'reading what is stored here')
  const found = await read().catch(() => [])
  return createLedger({
    // Written by `write` below.
    records: found as [string, LedgerRecord][],
    // A browser that is just clearing the data of a site refuses to open a database.
    read: async () => (await persistently(read, clock)) as [string, LedgerRecord][],
    write: (store, record) =>
      withDeadline(set(store, record, useStore), DEADLINE_MS, clock, 'noting what is stored here'),
  })
}

const ATTEMPTS = 6
const FIRST_RETRY_MS = 50

async function persistently<T>(read: () => Promise<T>, clock: Clock): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      await new Promise<void>((resolve) => clock.setTimer(FIRST_RETRY_MS * 2 ** attempt, resolve))
    }
  }
}

export interface LedgerDisk {
  readonly records: readonly (readonly [store: string, record: LedgerRecord])[]
  read(): Promise<readonly (readonly [store: string, record: LedgerRecord])[]>
  write(store: string, record: LedgerRecord): Promise<void>
}

/** In memory only, without a disk. */
export function createLedger(disk?: LedgerDisk): Ledger {
  const records = new Map(disk?.records)
  let writing: Promise<void> = Promise.resolve()
  const write = (store: string, record: LedgerRecord): Promise<void> => {
    writing = writing.then(() => disk?.write(store, record)).catch(() => undefined)
    return writing
  }
  return {
    get: (store) => records.get(store),
    set(store, record) {
      records.set(store, record)
      return write(store, record)
    },
    async restore() {
      await Promise.all(Array.from(records, ([store, record]) => write(store, record)))
    },
    async intact() {
      await writing
      const found = await disk?.read().catch(() => undefined)
      if (!found) return true
      const there = new Map(found)
      return Array.from(records).every(
        ([store, { generation }]) => there.get(store)?.generation === generation,
      )
    },
  }
}

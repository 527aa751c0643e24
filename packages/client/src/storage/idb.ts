import { UnavailableError } from '@dustlayer/protocol'
import type { Clock } from '@dustlayer/sync'
import type { UseStore } from 'idb-keyval'
import { withDeadline } from './deadline.js'

/** What the instance keeps in IndexedDB. */
export interface InstanceDatabase {
  /** Blocks of databases, see `indexeddb.ts`. */
  readonly blocks: UseStore
  /** What this browser should have, see `ledger.ts`. */
  readonly ledger: UseStore
  /** Resolves when the browser has no connection of this any more. */
  close(): Promise<void>
}

export interface InstanceDatabaseOptions {
  readonly instance: string
  readonly clock: Clock
  /** The browser has closed the database: its data was cleared or evicted, or the browser itself has a problem. */
  onLost(): void
}

const STORES = ['blocks', 'ledger'] as const

/** IndexedDB has been seen to hang for ever. */
const OPEN_DEADLINE_MS = 5_000
const CLOSE_DEADLINE_MS = 1_000

/** Nothing is opened before the first use. */
export function createInstanceDatabase({
  instance,
  clock,
  onLost,
}: InstanceDatabaseOptions): InstanceDatabase {
  let opening: Promise<IDBDatabase> | undefined
  /** Resolves when no request to open is under way any more. */
  let settled: Promise<void> = Promise.resolve()
  let closed = false

  const request = (): Promise<IDBDatabase> => {
    const requested = openDatabase(databaseName(instance))
    let tooLate = false
    // What nobody waits for any more must not stay open.
    settled = requested.then(
      (db) => {
        if (tooLate || closed) db.close()
      },
      () => undefined,
    )
    return withDeadline(requested, OPEN_DEADLINE_MS, clock, 'opening IndexedDB').catch((error: unknown) => {
      tooLate = true
      opening = undefined
      throw error
    })
  }

  const open = (): Promise<IDBDatabase> => {
    if (closed) return Promise.reject(new UnavailableError('The database of the instance has been closed.'))
    opening ??= request().then((db) => {
      db.onclose = () => {
        opening = undefined
        if (!closed) onLost()
      }
      // Somebody deletes the database; it waits until all let go.
      db.onversionchange = () => {
        opening = undefined
        db.close()
        if (!closed) onLost()
      }
      return db
    })
    return opening
  }

  return {
    blocks: useStore(open, 'blocks'),
    ledger: useStore(open, 'ledger'),
    async close() {
      closed = true
      opening?.then(
        (db) => db.close(),
        () => undefined,
      )
      // WebKit keeps a connection that was being opened when its worker ended, and then nobody can delete the database.
      await withDeadline(settled, CLOSE_DEADLINE_MS, clock, 'closing IndexedDB').catch(() => undefined)
    },
  }
}

export function databaseName(instance: string): string {
  return `dust-${instance}`
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store)
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/**
 * A store for idb-keyval whose transactions are on the disk when they are complete (`strict`; browsers otherwise
 * answer when the data is with the operating system), and whose failures say why: the library rejects with the
 * transaction's error before there is one.
 */
function useStore(open: () => Promise<IDBDatabase>, name: (typeof STORES)[number]): UseStore {
  return async (mode, callback) => {
    const db = await open()
    const transaction = db.transaction(name, mode, { durability: 'strict' })
    const aborted = new Promise<never>((_, reject) => {
      transaction.addEventListener('abort', () =>
        reject(transaction.error ?? new Error('The transaction was aborted.')),
      )
    })
    // Looked at only when the work fails.
    aborted.catch(() => undefined)
    try {
      return await callback(transaction.objectStore(name))
    } catch (error) {
      throw error ?? (await aborted.catch((reason: unknown) => reason))
    }
  }
}

import type { Replica, Salvage } from '@dustlayer/replica'
import type { DatabaseFiles } from '../storage/database-files.js'
import { createKeeper, type Keeper } from '../storage/keeper.js'
import { createLedger, type LedgerRecord } from '../storage/ledger.js'
import { openReplicaOn } from '../storage/open-replica-on.js'
import type { StorageFault, StoreDatabase } from '../storage/storage.js'

export const KEPT_STORE = 'acme/app'
export const KEPT_NAME = encodeURIComponent(KEPT_STORE)
const KEPT_AT = 1_700_000_000_000

/** What outlives a storage. */
export interface KeeperWorld {
  openFiles(): Promise<DatabaseFiles>
  readonly leftBehind?: DatabaseFiles
  readonly records: Map<string, LedgerRecord>
  readonly salvaged: Map<string, Salvage>
}

export interface KeeperLife {
  readonly keeper: Keeper
  readonly faults: readonly StorageFault[]
}

/** One storage, as a leader opens it. */
export async function beginKeeperLife({
  openFiles,
  leftBehind,
  records,
  salvaged,
}: KeeperWorld): Promise<KeeperLife> {
  const faults: StorageFault[] = []
  const keeper = await createKeeper({
    files: await openFiles(),
    reason: undefined,
    leftBehind,
    mirror: undefined,
    ledger: createLedger({
      records: [...records],
      read: async () => [...records],
      write: async (store, record) => void records.set(store, record),
    }),
    salvaged,
    now: () => KEPT_AT,
    newId: () => `generation-${Math.random()}`,
    persisted: async () => false,
    room: async () => ({ usage: 10, quota: 20 }),
    takeIoError: () => undefined,
    onFault: (fault) => faults.push(fault),
  })
  return { keeper, faults }
}

export function openKept(database: StoreDatabase): Replica {
  return openReplicaOn(database, { store: KEPT_STORE, deviceId: 'me', now: () => KEPT_AT })
}

/**
 * Opens the store as a leader does, with a new storage for each that fails, and hands its replica over to be used; at
 * most so many times.
 * @throws what was thrown without a fault of the storage, and when it never comes to an end.
 */
export async function outlive<T>(
  world: KeeperWorld,
  lives: number,
  use: (database: StoreDatabase, replica: Replica, life: number) => Promise<T>,
): Promise<T> {
  const told: string[] = []
  for (let life = 1; life <= lives; life++) {
    const { keeper, faults } = await beginKeeperLife(world)
    const database = await keeper.open(KEPT_STORE)
    let used: { readonly result: T } | undefined
    try {
      used = { result: await use(database, openKept(database), life) }
    } catch (error) {
      if (faults.length === 0) throw error
    }
    told.push(...faults.map(({ error }) => String(error)))
    database.driver.close()
    await keeper.close()
    if (used && faults.length === 0) return used.result
  }
  throw new Error(`It does not come to an end: ${told.join('; ')}`)
}

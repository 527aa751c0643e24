import { openReplica, type Replica, type ReplicaOptions } from '@dustlayer/replica'
import type { StoreDatabase } from './storage.js'

/**
 * Opens the replica of a store's database. An older one has to be brought up to date for that, for which the reserve is
 * given up on a full disk.
 * @throws what `openReplica` throws; the storage has failed by then, if that is because the database is damaged.
 */
export function openReplicaOn(
  database: Pick<StoreDatabase, 'driver' | 'condemn' | 'makeRoom'>,
  options: Omit<ReplicaOptions, 'driver'>,
): Replica {
  try {
    return openReplica({ ...options, driver: database.driver })
  } catch (error) {
    if (database.makeRoom(error)) return openReplicaOn(database, options)
    database.condemn(error)
    throw error
  }
}

import { type DustError, errorFromData } from '@dustlayer/protocol'
import type { StorageInfo, StoreReport } from '../tab/tab-protocol.js'

/** How a store stands: with the server, with this device, and with what is still to be sent. */
export interface StoreStatus extends Omit<StoreReport, 'error' | 'storage' | 'rejectedMark'> {
  /** Where this device keeps the replica. `unavailable`: the worker failed, nothing can be read or written. */
  readonly storage:
    | StorageInfo
    | { readonly kind: 'unavailable'; readonly persisted: null; readonly reason: string }
  /** Whether this tab owns the database and the connection. Works the same if not. */
  readonly leader: boolean
  /** What stands in the way, if anything does. */
  readonly error: DustError | null
}

/** What this page knows beside the leader's reports. */
export interface PageState {
  readonly leading: boolean
  /** The last problem that the worker told of, or its failure. */
  readonly problem: DustError | null
}

export function storeStatus(
  { error, rejectedMark, ...report }: StoreReport,
  { leading, problem }: PageState,
): StoreStatus {
  return { ...report, leader: leading, error: error ? errorFromData(error) : problem }
}

/** The status when there is no worker to ask. */
export function brokenStatus(store: string, error: DustError, since: number): StoreStatus {
  return {
    store,
    connection: 'offline',
    since,
    lastStoreSeq: 0,
    pending: { count: 0, oldestAt: null, heldBy: null, limit: 0 },
    rejected: 0,
    lastResync: null,
    permissions: { read: false, write: false },
    scopes: [],
    caughtUpAt: null,
    storage: { kind: 'unavailable', persisted: null, reason: error.message },
    leader: false,
    error,
  }
}

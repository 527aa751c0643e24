import { type DustError, errorFromData } from '@dustlayer/protocol'
import type { StorageInfo, StoreReport } from '../tab/status-report.js'

/**
 * How a store stands: with the server, with this device, and with what is still to be sent. When no tab can be asked
 * at the moment, it says what this page knew last, with the reason as the error; `connection` is not `live` then.
 */
export interface StoreStatus
  extends Omit<StoreReport, 'error' | 'storage' | 'rejectedMark' | 'pending' | 'rejected'> {
  readonly pending: {
    /** Null: this page has not been told yet, and nobody can be asked now. */
    readonly count: number | null
    readonly oldestAt: number | null
    readonly heldBy: StoreReport['pending']['heldBy']
    /** At so many a further write is refused with OutboxFullError; null like `count`. */
    readonly limit: number | null
  }
  /** How many refused writes are in the inbox, see `rejections`; null like `pending.count`. */
  readonly rejected: number | null
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
  /** Since when no tab serves this page (epoch ms); null while one does. */
  readonly unservedSince: number | null
  /** The last problem that the worker told of, or its failure. */
  readonly problem: DustError | null
}

/** `silence`: the error when no tab serves the page, and nothing better is known. */
export function storeStatus(
  { error, rejectedMark, ...report }: StoreReport,
  { leading, unservedSince, problem }: PageState,
  silence: DustError,
): StoreStatus {
  const status = { ...report, leader: leading }
  if (unservedSince === null) return { ...status, error: error ? errorFromData(error) : problem }
  const claims = report.connection === 'live' || report.connection === 'catching-up'
  return {
    ...status,
    ...(claims && { connection: 'connecting', since: unservedSince }),
    error: problem ?? silence,
  }
}

/** The status when nothing can be read or written. `known`: what was told before that. */
export function brokenStatus(
  store: string,
  error: DustError,
  since: number,
  known: StoreReport | undefined,
): StoreStatus {
  return {
    store,
    connection: 'offline',
    since,
    lastStoreSeq: known?.lastStoreSeq ?? 0,
    pending: known?.pending ?? { count: null, oldestAt: null, heldBy: null, limit: null },
    rejected: known?.rejected ?? null,
    lastResync: known?.lastResync ?? null,
    permissions: known?.permissions ?? { read: false, write: false },
    scopes: known?.scopes ?? [],
    caughtUpAt: known?.caughtUpAt ?? null,
    storage: { kind: 'unavailable', persisted: null, reason: error.message },
    leader: false,
    error,
  }
}

import type { ErrorData, Permissions, StoreAccess } from '@dustlayer/protocol'
import type { Clock } from './clock.js'

/**
 * - `connecting`: no connection yet, or one was lost just now.
 * - `catching-up`: connected; what the server has is still coming, and pending ops wait for its end.
 * - `live`: everything is here, and what others write comes as it happens.
 * - `offline`: the server cannot be reached, or the machine has no network; it goes on by itself.
 * - `refused`: the server does not let this token in. A new token or `reconnect()` is needed.
 */
export type SyncState = 'connecting' | 'catching-up' | 'live' | 'offline' | 'refused'

/** How one store stands with its server. Reads and local writes work in every state. */
export interface SyncStatus {
  readonly state: SyncState
  /** When it got into this state, epoch milliseconds. */
  readonly since: number
  /** Everything in the server's log up to here is applied. */
  readonly lastStoreSeq: number
  /** When catch-up was last completed, epoch milliseconds; null if never. */
  readonly caughtUpAt: number | null
  /** What the token allows, as of the last join; nothing before the first. */
  readonly permissions: Permissions
  readonly scopes: readonly string[]
  readonly storeAccess: StoreAccess
  /** The server takes no writes from this token or for this store now: pending ops stay until that changes. */
  readonly writesHeld: boolean
  /** What stands in the way, if anything does. */
  readonly error: ErrorData | null
}

export interface StatusHolder {
  get(): SyncStatus
  update(change: Partial<Omit<SyncStatus, 'since'>>): void
  subscribe(listener: (status: SyncStatus) => void): () => void
}

export interface StatusHolderOptions {
  readonly clock: Clock
  readonly lastStoreSeq: number
  /** A listener threw; the others have been told all the same. */
  listenerFailed(error: unknown): void
}

/** Keeps the status and tells listeners when it changes, and only then. */
export function createStatusHolder({
  clock,
  lastStoreSeq,
  listenerFailed,
}: StatusHolderOptions): StatusHolder {
  const listeners = new Set<(status: SyncStatus) => void>()
  let status: SyncStatus = {
    state: 'connecting',
    since: clock.now(),
    lastStoreSeq,
    caughtUpAt: null,
    permissions: { read: false, write: false },
    scopes: [],
    storeAccess: { mode: 'selected', store_ids: [] },
    writesHeld: false,
    error: null,
  }

  const tell = (listener: (status: SyncStatus) => void): void => {
    try {
      listener(status)
    } catch (error) {
      listenerFailed(error)
    }
  }

  return {
    get: () => status,
    update(change) {
      const moved = change.state !== undefined && change.state !== status.state
      const next = { ...status, ...change, since: moved ? clock.now() : status.since }
      if (same(next, status)) return
      status = next
      for (const listener of [...listeners]) tell(listener)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** All fields are plain data of a few entries. */
function same(a: SyncStatus, b: SyncStatus): boolean {
  return JSON.stringify(a, withoutBigint) === JSON.stringify(b, withoutBigint)
}

/** Fields of an error come from the server and may hold large integers. */
function withoutBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

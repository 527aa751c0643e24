import type { ErrorData, ExtensionName, Permissions, StoreAccess } from '@dustlayer/protocol'
import type { Clock } from './clock.js'

/**
 * - `connecting`: no connection yet, or one was lost just now.
 * - `catching-up`: connected; what the server has is still coming, and pending ops wait for its end.
 * - `live`: everything is here, and what others write comes as it happens.
 * - `offline`: the server cannot be reached, the machine has no network, or the token function does not answer; it goes
 *   on by itself.
 * - `refused`: the server does not let this token in. A new token or `reconnect()` is needed.
 */
export type SyncState = 'connecting' | 'catching-up' | 'live' | 'offline' | 'refused'

/**
 * - `no-network`: the server cannot be reached; it goes on by itself.
 * - `needs-auth`: the token is refused, or may not write here: a new token or `reconnect()` is needed. Or the token
 *   function does not answer, see the error.
 * - `store-archived`: the server takes no writes for this store until somebody brings it back.
 */
export type HeldBy = 'no-network' | 'needs-auth' | 'store-archived'

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
  /** Why the outbox cannot move, and will not by itself within moments; null while it can or may soon. */
  readonly heldBy: HeldBy | null
  /** What the server of the last join can do beyond the common protocol. */
  readonly extensions: readonly ExtensionName[]
  /** Which history of the store the local copy belongs to; null where the server has no such ids. */
  readonly incarnation: string | null
  /** When the local copy was last built anew from the server's, epoch milliseconds, and why; null if never. */
  readonly lastResync: { readonly at: number; readonly reason: string } | null
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
  readonly incarnation: string | null
  /** A listener threw; the others have been told all the same. */
  listenerFailed(error: unknown): void
}

/** Keeps the status and tells listeners when it changes, and only then. */
export function createStatusHolder({
  clock,
  lastStoreSeq,
  incarnation,
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
    heldBy: null,
    extensions: [],
    incarnation,
    lastResync: null,
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

import type { ErrorData } from '@dustlayer/protocol'
import type { SyncStatus } from '@dustlayer/sync'
import type { Recovery } from '../storage/ledger.js'

/** Where this browser keeps the replica, and why not somewhere better. */
export interface StorageInfo {
  readonly kind: 'opfs' | 'indexeddb' | 'memory'
  /** What `navigator.storage.persisted()` says; null when it cannot be asked, or nothing is kept at all. */
  readonly persisted: boolean | null
  /** Why a lower rung of the storage ladder was taken. */
  readonly reason?: string
  /** The last time that the local copy was damaged or gone and had to begin anew; absent if never. */
  readonly recovered?: Recovery
  /** Why writes that wait for the server have no second copy in IndexedDB at the moment; absent while they have one. */
  readonly unmirrored?: string
}

/** What the leader knows about a store. */
export interface StoreReport {
  readonly store: string
  readonly connection: 'connecting' | 'catching-up' | 'live' | 'offline' | 'refused'
  /** Epoch ms since when the connection is in this state. */
  readonly since: number
  readonly lastStoreSeq: number
  readonly pending: {
    readonly count: number
    /** When the oldest was written, by this device's clock in epoch ms. */
    readonly oldestAt: number | null
    /** Why they cannot move, and will not by themselves within moments; null while they can or may soon. */
    readonly heldBy: SyncStatus['heldBy']
    /** At so many a further write is refused with OutboxFullError. */
    readonly limit: number
  }
  /** How many refused writes are in the inbox, see `rejections`. */
  readonly rejected: number
  /** Differs whenever the inbox does. */
  readonly rejectedMark: string
  /** When the local copy was last built anew from the server's (epoch ms), and why; null if never. */
  readonly lastResync: { readonly at: number; readonly reason: string } | null
  readonly permissions: { readonly read: boolean; readonly write: boolean }
  readonly scopes: readonly string[]
  /** Epoch ms when the replica last was level with the server; null if never in this session. */
  readonly caughtUpAt: number | null
  readonly storage: StorageInfo
  readonly error: ErrorData | null
}

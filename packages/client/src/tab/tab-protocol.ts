import type { ErrorData, Fence, JsonValue, PatternInput } from '@dustlayer/protocol'
import type {
  CheckReport,
  DustEvent,
  EntryData,
  ListOptions,
  LocalBatch,
  LocalOp,
  PageData,
  ReadData,
  RejectedWrite,
  ReplicaExport,
  Verdict,
} from '@dustlayer/replica'
import type { SyncStatus } from '@dustlayer/sync'
import type { Recovery } from '../storage/ledger.js'

/**
 * Everything that travels between a page, its worker and the leader's worker. All of it is plain data that a
 * structured clone carries. Change {@link TAB_PROTOCOL} with any change that an older tab would misread; only
 * {@link Build}, `from` and the names of the channels stay for ever, so that builds can tell each other apart.
 */
export const TAB_PROTOCOL = 3

/** What tabs must have in common to work together; a part of every message between them. */
export interface Build {
  /** {@link TAB_PROTOCOL}. */
  readonly v: number
  /** The version of the database's schema. */
  readonly schema: number
}

/** Which events of a matching path a subscriber wants (spec/semantics.md §9.3). */
export type SubscriptionMode = 'all' | 'committed' | 'optimistic'

/** One `on` or `watch` of one tab. The id is unique within the tab. */
export interface Subscription {
  readonly id: number
  readonly store: string
  readonly pattern: PatternInput
  readonly mode: SubscriptionMode
  /** A `watch`: it begins with what is there, and is told again when events may have been lost. */
  readonly watch: boolean
  /** With so many events on their way that the page has not confirmed, or a thousand, the subscription is dropped. */
  readonly maxQueueSize: number
  /** It is rather dropped than left with a gap, after a change of leader in which events were lost. */
  readonly gapless: boolean
}

/** One live query of one tab; its id is unique among the tab's subscriptions, too. */
export interface LiveQuery {
  readonly id: number
  readonly store: string
  readonly pattern: PatternInput
}

/** What matches a `watch` now, to begin with or after events may have been lost. */
export interface Presence {
  readonly to: number
  readonly store: string
  readonly entries: readonly EntryData[]
}

/** What has changed in the result of a live query. */
export interface LiveUpdate {
  readonly to: number
  /** `put` is all there is, and what is not among it has gone. */
  readonly full: boolean
  readonly put: readonly EntryData[]
  /** One for each of `put`: nodes with equal prints are equal. */
  readonly prints: readonly number[]
  readonly removed: readonly string[]
}

/** Where a store's visible state stood. Equal positions, equal states. */
export interface Position {
  readonly store: string
  readonly at: string
}

/** One `onStatus` of one tab. */
export interface StatusWatch {
  readonly id: number
  readonly store: string
}

/** Where this browser keeps the replica, and why not somewhere better. */
export interface StorageInfo {
  readonly kind: 'opfs' | 'indexeddb' | 'memory'
  /** What `navigator.storage.persisted()` says; null when it cannot be asked, or nothing is kept at all. */
  readonly persisted: boolean | null
  /** Why a lower rung of the storage ladder was taken. */
  readonly reason?: string
  /** The last time that the local copy was damaged or gone and had to begin anew; absent if never. */
  readonly recovered?: Recovery
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

/** Arguments and result of each kind of call. */
export interface CallKinds {
  open: { args: object; result: null }
  write: { args: { readonly op: LocalOp }; result: null }
  batch: { args: { readonly batch: LocalBatch }; result: null }
  get: { args: { readonly path: string }; result: ReadData | undefined }
  /** One for each path, in their order. */
  getMany: { args: { readonly paths: readonly string[] }; result: readonly (ReadData | undefined)[] }
  entry: { args: { readonly path: string }; result: EntryData | undefined }
  enum: { args: { readonly pattern: PatternInput; readonly options: ListOptions }; result: PageData }
  range: {
    args: { readonly from: string; readonly to: string; readonly options: ListOptions }
    result: PageData
  }
  /** A `watch` is told what is there in the same flush. */
  subscribe: { args: { readonly subscription: Subscription }; result: null }
  unsubscribe: { args: { readonly id: number }; result: null }
  /** The result comes in the same flush. */
  live: { args: { readonly query: LiveQuery }; result: null }
  unlive: { args: { readonly id: number }; result: null }
  status: { args: object; result: StoreReport }
  /** All stores that the instance has on this device. The call names none. */
  stores: { args: object; result: readonly string[] }
  watchStatus: { args: { readonly watch: StatusWatch }; result: StoreReport }
  unwatchStatus: { args: { readonly id: number }; result: null }
  export: { args: object; result: ReplicaExport }
  rejections: { args: object; result: readonly RejectedWrite[] }
  /** Writes a refused op again, as the op `newOpId`. */
  retryRejection: {
    args: { readonly opId: string; readonly newOpId: string; readonly edit: RejectionEdit }
    result: null
  }
  dropRejection: { args: { readonly opId: string }; result: boolean }
  /** Ends the wait for a long call, by its id. It is answered all the same. */
  cancel: { args: { readonly id: string }; result: null }
  /** Null: somebody holds it. `patienceMs`: how long a connection attempt that is under way may take. */
  lease: {
    args: LongCall & {
      readonly key: string
      readonly ttlMs: number
      readonly holder: JsonValue | null
      readonly patienceMs: number
    }
    result: Lease | null
  }
  /** Null: the token does not hold it any more. */
  renew: {
    args: LongCall & {
      readonly key: string
      readonly token: number
      readonly ttlMs: number
      readonly patienceMs: number
    }
    result: Lease | null
  }
  /** Whether there was something to release. */
  release: { args: LongCall & { readonly key: string; readonly token: number }; result: boolean }
  /** A fenced set that the server decides now; nothing shows before it has. */
  publish: {
    args: LongCall & {
      readonly path: string
      readonly value: JsonValue
      readonly fence: Fence
      readonly patienceMs: number
    }
    result: boolean
  }
  /** Everything written before is decided by the server, and everything that it had then is here. */
  synced: { args: LongCall; result: null }
  doctor: { args: LongCall; result: DoctorData }
}

/**
 * A call that waits for something outside the leader. It travels alone, so that it keeps no other waiting; the next
 * leader gets it again under the same id (which is also the id of its op), so that it takes effect once.
 */
export interface LongCall {
  readonly id: string
}

export type LongCallKind = 'lease' | 'renew' | 'release' | 'publish' | 'synced' | 'doctor'

const LONG_CALLS: ReadonlySet<CallKind> = new Set<LongCallKind>([
  'lease',
  'renew',
  'release',
  'publish',
  'synced',
  'doctor',
])

export function isLongCall(call: Call): call is CallOf<LongCallKind> {
  return LONG_CALLS.has(call.kind)
}

/** What came of checking a replica against itself and against the server. */
export interface DoctorData {
  readonly local: CheckReport
  readonly server: 'equal' | 'resynced' | 'unsupported' | 'unreachable'
}

/** What to do differently when a refused write is tried again; null takes a precondition away. */
export interface RejectionEdit {
  readonly path?: string
  readonly value?: JsonValue
  readonly ifMatch?: number | null
  readonly ifAbsent?: boolean
  readonly fence?: Fence | null
}

/** A lease that was granted. Its token fences writes, see `PutOptions.fence`. */
export interface Lease {
  /** Rendered, canonical. */
  readonly key: string
  readonly token: number
  /** By the server's clock, epoch milliseconds; good for display only. */
  readonly expiresAt: number
  readonly holder: JsonValue
}

export type CallKind = keyof CallKinds
export type CallOf<K extends CallKind> = {
  [Kind in K]: { readonly kind: Kind; readonly store: string } & CallKinds[Kind]['args']
}[K]
export type Call = CallOf<CallKind>
/** A call that one store answers. */
export type StoreCall = Exclude<Call, CallOf<'stores'>>
export type ResultOf<K extends CallKind> = CallKinds[K]['result']

/** One for each call of a batch, in its order. */
export type CallResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: ErrorData }

/** An event and the subscriptions of the tab that it is for. */
export interface RoutedEvent {
  readonly event: DustEvent
  readonly to: readonly number[]
}

export interface SettledWrite {
  readonly opId: string
  /** Undefined: the replica no longer knows the op. */
  readonly verdict: Exclude<Verdict, { state: 'pending' }> | undefined
}

/** What one flush of the leader brings to a tab beside the answers to its calls. */
export interface News {
  /** Which flush it is, for {@link Receipt}. */
  readonly flush: number
  readonly leader: string
  /** Told before the events. */
  readonly present: readonly Presence[]
  readonly events: readonly RoutedEvent[]
  readonly live: readonly LiveUpdate[]
  /** Subscriptions that were dropped, because the page did not keep up. */
  readonly dropped: readonly number[]
  readonly settled: readonly SettledWrite[]
  readonly reports: readonly { readonly to: readonly number[]; readonly report: StoreReport }[]
}

/** The page has taken in everything up to that flush of that leader. */
export interface Receipt {
  readonly leader: string
  readonly flush: number
}

/** A write whose verdict a tab still waits for. */
export interface AwaitedWrite {
  readonly store: string
  readonly opId: string
}

/** Things a page notices that the sync client must know at once. */
export type PageSignal = 'online' | 'offline' | 'visible' | 'resumed' | 'reconnect' | 'persisted'

/** What a tab tells a leader about itself. */
export interface Hello {
  readonly subscriptions: readonly Subscription[]
  readonly liveQueries: readonly LiveQuery[]
  /** Where the stores stood when the tab last heard of them. */
  readonly seen: readonly Position[]
  readonly statusWatches: readonly StatusWatch[]
  readonly awaited: readonly AwaitedWrite[]
}

/** From a tab to the leader; `to` is null when the tab does not know who leads. */
export type ToLeader = Build & { readonly from: string; readonly to: string | null } & (
    | ({
        /** First message to a leader, and answer to its announcement: all it needs to know about the tab. */
        readonly kind: 'hello'
        readonly paused: boolean
      } & Hello)
    /** The tab wants its instance off the network, or no longer. */
    | { readonly kind: 'pause'; readonly paused: boolean }
    | {
        readonly kind: 'calls'
        readonly batch: number
        readonly calls: readonly Call[]
        /** Sent before, to a leader that did not answer. */
        readonly again: boolean
      }
    | { readonly kind: 'signal'; readonly signal: PageSignal }
    /** Flushes up to `confirmed` were taken in by the page, those up to `received` have reached its worker. */
    | { readonly kind: 'received'; readonly confirmed: number; readonly received: number }
    /** The tab has heard nothing for a while: the leader shows that it is alive. */
    | { readonly kind: 'ping' }
    /** The tab has followed a leader of a later epoch than this one says to be. */
    | { readonly kind: 'late'; readonly epoch: number }
    | { readonly kind: 'bye' }
  )

/** From the leader to one tab. */
export type ToTab = Build & { readonly leader: string; readonly epoch: number } & (
    | { readonly kind: 'welcome' }
    /** The leader cannot serve yet, and says why. */
    | { readonly kind: 'waiting'; readonly error: ErrorData }
    /**
     * The browser has removed the site's data. Chromium forgets locks with it: a worker of before and one of after do
     * not see each other's, so all begin anew.
     */
    | { readonly kind: 'restart' }
    | ({
        readonly kind: 'flush'
        readonly answers: readonly { readonly batch: number; readonly results: readonly CallResult[] }[]
        /** Where stores stand that the tab listens to, when everything about it has been sent. */
        readonly positions: readonly Position[]
      } & News)
    /** The tab is of an older build than the leader: its header says which the leader is. */
    | { readonly kind: 'outdated' }
  )

/** To all tabs of the instance. */
export type Announcement = Build &
  (
    | {
        /** From the leader: when it begins, and then again and again as a sign of life. */
        readonly kind: 'leader'
        readonly leader: string
        /** Grows with each leader of the instance. */
        readonly epoch: number
      }
    /** From a tab that has just come: older builds make way. */
    | { readonly kind: 'arrival' }
    /** From a tab that is about to remove the instance's data. */
    | { readonly kind: 'destroy' }
  )

/** Names of the instance's locks and channels. */
export interface InstanceNames {
  /** The lock whose holder leads. */
  readonly lock: string
  /** Held by the tab that is about to take the lock from a silent leader. */
  readonly deposing: string
  /** Prefix of the locks that each living tab holds. */
  readonly tabLock: string
  readonly announcements: string
  readonly toLeader: string
  readonly toTab: (tab: string) => string
}

export function instanceNames(instance: string): InstanceNames {
  const base = `dust:${instance}`
  return {
    lock: base,
    deposing: `${base}:deposing`,
    tabLock: `${base}:tab:`,
    announcements: `${base}:announcements`,
    toLeader: `${base}:leader`,
    toTab: (tab) => `${base}:tab:${tab}`,
  }
}

import type { ErrorData, JsonValue, PatternInput } from '@dustlayer/protocol'
import type { DustEvent, EntryData, ListOptions, LocalOp, PageData, Verdict } from '@dustlayer/replica'

/**
 * Everything that travels between a page, its worker and the leader's worker. All of it is plain data that a
 * structured clone carries. Change {@link TAB_PROTOCOL} with any change that an older tab would misread.
 */
export const TAB_PROTOCOL = 1

/** Which events of a matching path a subscriber wants (spec/semantics.md §9.3). */
export type SubscriptionMode = 'all' | 'committed' | 'optimistic'

/** One `on` or `watch` of one tab. The id is unique within the tab. */
export interface Subscription {
  readonly id: number
  readonly store: string
  readonly pattern: PatternInput
  readonly mode: SubscriptionMode
}

/** One `onStatus` of one tab. */
export interface StatusWatch {
  readonly id: number
  readonly store: string
}

/** Where this browser keeps the replica, and why not somewhere better. */
export interface StorageInfo {
  readonly kind: 'opfs' | 'memory'
  /** What `navigator.storage.persisted()` says; null when it cannot be asked, or nothing is kept at all. */
  readonly persisted: boolean | null
  /** Why a lower rung of the storage ladder was taken. */
  readonly reason?: string
}

/** What the leader knows about a store. */
export interface StoreReport {
  readonly store: string
  readonly connection: 'connecting' | 'catching-up' | 'live' | 'offline' | 'refused'
  /** Epoch ms since when the connection is in this state. */
  readonly since: number
  readonly lastStoreSeq: number
  readonly pending: { readonly count: number; readonly oldestAt: number | null }
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
  get: { args: { readonly path: string }; result: JsonValue | undefined }
  getMany: { args: { readonly paths: readonly string[] }; result: { readonly [path: string]: JsonValue } }
  entry: { args: { readonly path: string }; result: EntryData | undefined }
  enum: { args: { readonly pattern: PatternInput; readonly options: ListOptions }; result: PageData }
  range: {
    args: { readonly from: string; readonly to: string; readonly options: ListOptions }
    result: PageData
  }
  /** `present`: also answer with the entries that match now. */
  subscribe: {
    args: { readonly subscription: Subscription; readonly present: boolean }
    result: readonly EntryData[]
  }
  unsubscribe: { args: { readonly id: number }; result: null }
  status: { args: object; result: StoreReport }
  watchStatus: { args: { readonly watch: StatusWatch }; result: StoreReport }
  unwatchStatus: { args: { readonly id: number }; result: null }
}

export type CallKind = keyof CallKinds
export type CallOf<K extends CallKind> = {
  [Kind in K]: { readonly kind: Kind; readonly store: string } & CallKinds[Kind]['args']
}[K]
export type Call = CallOf<CallKind>
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
  readonly events: readonly RoutedEvent[]
  readonly settled: readonly SettledWrite[]
  readonly reports: readonly { readonly to: readonly number[]; readonly report: StoreReport }[]
}

/** A write whose verdict a tab still waits for. */
export interface AwaitedWrite {
  readonly store: string
  readonly opId: string
}

/** Things a page notices that the sync client must know at once. */
export type PageSignal = 'online' | 'offline' | 'visible' | 'resumed' | 'reconnect'

/** From a tab to the leader. */
export type ToLeader = { readonly v: number; readonly from: string } & (
  | {
      /** First message to a leader, and answer to its announcement: all it needs to know about the tab. */
      readonly kind: 'hello'
      readonly subscriptions: readonly Subscription[]
      readonly statusWatches: readonly StatusWatch[]
      readonly awaited: readonly AwaitedWrite[]
      readonly paused: boolean
    }
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
  | { readonly kind: 'bye' }
)

/** From the leader to one tab. */
export type ToTab = { readonly v: number; readonly leader: string; readonly epoch: number } & (
  | { readonly kind: 'welcome' }
  | ({
      readonly kind: 'flush'
      readonly answers: readonly { readonly batch: number; readonly results: readonly CallResult[] }[]
    } & News)
  /** The tab speaks another version of this protocol. */
  | { readonly kind: 'incompatible' }
)

/** From a new leader to all tabs. */
export interface Announcement {
  readonly v: number
  readonly leader: string
  /** Grows with each leader of the instance. */
  readonly epoch: number
}

/** Names of the instance's locks and channels. */
export interface InstanceNames {
  /** The lock whose holder leads. */
  readonly lock: string
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
    tabLock: `${base}:tab:`,
    announcements: `${base}:announcements`,
    toLeader: `${base}:leader`,
    toTab: (tab) => `${base}:tab:${tab}`,
  }
}

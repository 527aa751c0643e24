import type { ErrorData, Fence, JsonValue, PatternInput } from '@dustlayer/protocol'
import type {
  CheckReport,
  EntryData,
  ListOptions,
  LocalBatch,
  LocalOp,
  PageData,
  ReadData,
  RejectedWrite,
  ReplicaExport,
} from '@dustlayer/replica'
import type { StoreReport } from './status-report.js'

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

/** One `onStatus` of one tab. */
export interface StatusWatch {
  readonly id: number
  readonly store: string
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
  export: { args: LongCall; result: ReplicaExport }
}

/**
 * A call that waits for something outside the leader, or reads everything. It travels alone, so that it keeps no other
 * waiting; the next leader gets it again under the same id (which is also the id of its op), so that it takes effect
 * once.
 */
export interface LongCall {
  readonly id: string
}

export type LongCallKind = 'lease' | 'renew' | 'release' | 'publish' | 'synced' | 'doctor' | 'export'

const LONG_CALLS: ReadonlySet<CallKind> = new Set<LongCallKind>([
  'lease',
  'renew',
  'release',
  'publish',
  'synced',
  'doctor',
  'export',
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

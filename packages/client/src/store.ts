import type { PathInput, PatternInput, Value } from '@dustlayer/protocol'
import type { BatchBuilder, BatchOptions } from './operations/batch.js'
import type { DoctorReport, StoreExport, SyncedOptions } from './operations/care.js'
import type { LeaseOptions, RenewOptions } from './operations/lease.js'
import type { Entry } from './operations/read.js'
import type { RejectedWrite, RetryOptions } from './operations/rejections.js'
import type { Operations } from './operations.js'
import type { DustEvent, WatchEvent } from './page/events.js'
import type { LiveResult } from './page/live.js'
import type { Page } from './page/page-of.js'
import type { FlightFunction, FlightResult } from './page/single-flight/flight-world.js'
import type { SingleFlightOptions } from './page/single-flight/single-flight.js'
import type { StoreStatus } from './page/status.js'
import type {
  EnumSelect,
  GetOptions,
  ListingOptions,
  LiveOptions,
  RangeSelect,
  SubscribeOptions,
} from './page/store-options.js'
import type { Off } from './page/subscribers.js'
import type { DeleteOptions, PutOptions, WriteOptions } from './page/write-options.js'
import type { BatchWrite, Write } from './page/writes.js'
import type { Lease } from './tab/calls.js'

/** One store's {@link Operations}, where each says more, without naming it each time. */
export interface Store {
  /** As given: `org/name`. */
  readonly name: string
  /** Writes a value; a map replaces all that was below the path. Resolves when it is durable on this device. */
  put(path: PathInput, value: unknown, options?: PutOptions): Write
  /** Writes the children given, and leaves their siblings alone. */
  merge(path: PathInput, map: unknown, options?: WriteOptions): Write
  /** Removes the entry and everything below it. */
  delete(path: PathInput, options?: DeleteOptions): Write
  /** Adds to a counter, 1 by default; concurrent increments all count. */
  increment(path: PathInput, by?: number | bigint, options?: WriteOptions): Write
  /** Adds a member to a set. */
  add(path: PathInput, member: unknown, options?: WriteOptions): Write
  /** Removes a member from a set. */
  remove(path: PathInput, member: unknown, options?: WriteOptions): Write
  /** Up to 500 writes that apply together or not at all. */
  batch(build: (batch: BatchBuilder) => void, options?: BatchOptions): BatchWrite
  /** The inbox of refused writes: the newest 1,000, on this device, until they are retried or dropped. */
  readonly rejections: {
    list(): Promise<readonly RejectedWrite[]>
    retry(opId: string, options?: RetryOptions): Write
    drop(opId: string): Promise<boolean>
    onChange(callback: (rejections: readonly RejectedWrite[]) => void): Off
  }
  /** Takes the lease at a path; null when somebody holds it. The server decides, at once. */
  lease(key: PathInput, options: LeaseOptions): Promise<Lease | null>
  /** Lets a lease last longer, with the same token; null when it is not held any more. */
  renew(lease: Pick<Lease, 'key' | 'token'>, options: RenewOptions): Promise<Lease | null>
  /** Gives a lease back; false when it had been given back, or was somebody else's, already. */
  release(lease: Pick<Lease, 'key' | 'token'>): Promise<boolean>
  /** The value at a key, computed once among all clients that ask for it. */
  singleFlight<T>(
    key: PathInput,
    compute: FlightFunction<T>,
    options?: SingleFlightOptions<T>,
  ): Promise<FlightResult<T>>
  /** Resolves when what was written before is decided, and what the server had is here. Waits through outages. */
  synced(options?: SyncedOptions): Promise<void>
  /** For rescue: the confirmed entries, the pending writes and the refused ones. */
  export(): Promise<StoreExport>
  /** Checks the local copy against itself and against the server, and mends what differs. Reads everything. */
  doctor(): Promise<DoctorReport>
  /** The value at a path, assembled from below when there is no leaf; undefined when there is nothing. */
  get<T = Value>(path: PathInput, options?: GetOptions<T>): Promise<T | undefined>
  /** The values of up to 1,000 paths, by path. Missing ones are left out. */
  getMany<T = Value>(paths: readonly PathInput[]): Promise<{ [path: string]: T }>
  /** The value with its type, its revision, and whether the server has it. */
  entry<T = Value>(path: PathInput): Promise<Entry<T> | undefined>
  /** Entries by pattern: nodes of the pattern's depth, or leaves where it ends in `**`. */
  enum(
    pattern: PatternInput,
    options: ListingOptions<EnumSelect> & { readonly select: 'keys' | 'prefixes' },
  ): Promise<Page<string>>
  enum<T = Value>(
    pattern: PatternInput,
    options?: ListingOptions<EnumSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
  /** Leaves with from ≤ path < to, in byte order. */
  range(
    from: PathInput,
    to: PathInput,
    options: ListingOptions<RangeSelect> & { readonly select: 'keys' },
  ): Promise<Page<string>>
  range<T = Value>(
    from: PathInput,
    to: PathInput,
    options?: ListingOptions<RangeSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
  /** Calls back for each change at a matching path, from now on (see {@link DustEvent}). */
  on(pattern: PatternInput, callback: (event: DustEvent) => unknown, options?: SubscribeOptions): Off
  /** Calls back for each matching entry that is there, then for each change: nothing missed, nothing twice. */
  watch(pattern: PatternInput, callback: (event: WatchEvent) => unknown, options?: SubscribeOptions): Off
  /** Calls back with the nodes that match, at first and whenever one of them or anything below it changes. */
  live<T = Value>(
    pattern: PatternInput,
    callback: (result: LiveResult<T>) => unknown,
    options?: LiveOptions,
  ): Off
  /** How the store stands: with the server, with this device, and with what is still to be sent. */
  status(): Promise<StoreStatus>
  /** Calls back with the status now and whenever it changes. */
  onStatus(callback: (status: StoreStatus) => void): Off
}

export function createStore(name: string, operations: Operations): Store {
  return {
    name,
    put: (...args) => operations.put(name, ...args),
    merge: (...args) => operations.merge(name, ...args),
    delete: (...args) => operations.delete(name, ...args),
    increment: (...args) => operations.increment(name, ...args),
    add: (...args) => operations.add(name, ...args),
    remove: (...args) => operations.remove(name, ...args),
    batch: (...args) => operations.batch(name, ...args),
    rejections: {
      list: () => operations.rejections.list(name),
      retry: (...args) => operations.rejections.retry(name, ...args),
      drop: (opId) => operations.rejections.drop(name, opId),
      onChange: (callback) => operations.rejections.onChange(name, callback),
    },
    lease: (...args) => operations.lease(name, ...args),
    renew: (...args) => operations.renew(name, ...args),
    release: (lease) => operations.release(name, lease),
    singleFlight: (...args) => operations.singleFlight(name, ...args),
    synced: (options) => operations.synced(name, options),
    export: () => operations.export(name),
    doctor: () => operations.doctor(name),
    get: (...args) => operations.get(name, ...args),
    getMany: (paths) => operations.getMany(name, paths),
    entry: (path) => operations.entry(name, path),
    // Bound, because an arrow function cannot carry the overloads on.
    enum: operations.enum.bind(undefined, name) as Store['enum'],
    range: operations.range.bind(undefined, name) as Store['range'],
    on: (...args) => operations.on(name, ...args),
    watch: (...args) => operations.watch(name, ...args),
    live: (...args) => operations.live(name, ...args),
    status: () => operations.status(name),
    onStatus: (callback) => operations.onStatus(name, callback),
  }
}

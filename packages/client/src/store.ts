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
import type { Lease } from './tab/tab-protocol.js'

/** One store's {@link Operations}, without naming it each time. */
export interface Store {
  /** As given: `org/name`. */
  readonly name: string
  put(path: PathInput, value: unknown, options?: PutOptions): Write
  merge(path: PathInput, map: unknown, options?: WriteOptions): Write
  delete(path: PathInput, options?: DeleteOptions): Write
  increment(path: PathInput, by?: number | bigint, options?: WriteOptions): Write
  add(path: PathInput, member: unknown, options?: WriteOptions): Write
  remove(path: PathInput, member: unknown, options?: WriteOptions): Write
  batch(build: (batch: BatchBuilder) => void, options?: BatchOptions): BatchWrite
  readonly rejections: {
    list(): Promise<readonly RejectedWrite[]>
    retry(opId: string, options?: RetryOptions): Write
    drop(opId: string): Promise<boolean>
    onChange(callback: (rejections: readonly RejectedWrite[]) => void): Off
  }
  lease(key: PathInput, options: LeaseOptions): Promise<Lease | null>
  renew(lease: Pick<Lease, 'key' | 'token'>, options: RenewOptions): Promise<Lease | null>
  release(lease: Pick<Lease, 'key' | 'token'>): Promise<boolean>
  singleFlight<T>(
    key: PathInput,
    compute: FlightFunction<T>,
    options?: SingleFlightOptions<T>,
  ): Promise<FlightResult<T>>
  synced(options?: SyncedOptions): Promise<void>
  export(): Promise<StoreExport>
  doctor(): Promise<DoctorReport>
  get<T = Value>(path: PathInput, options?: GetOptions<T>): Promise<T | undefined>
  getMany<T = Value>(paths: readonly PathInput[]): Promise<{ [path: string]: T }>
  entry<T = Value>(path: PathInput): Promise<Entry<T> | undefined>
  enum(
    pattern: PatternInput,
    options: ListingOptions<EnumSelect> & { readonly select: 'keys' | 'prefixes' },
  ): Promise<Page<string>>
  enum<T = Value>(
    pattern: PatternInput,
    options?: ListingOptions<EnumSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
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
  on(pattern: PatternInput, callback: (event: DustEvent) => unknown, options?: SubscribeOptions): Off
  watch(pattern: PatternInput, callback: (event: WatchEvent) => unknown, options?: SubscribeOptions): Off
  live<T = Value>(
    pattern: PatternInput,
    callback: (result: LiveResult<T>) => unknown,
    options?: LiveOptions,
  ): Off
  status(): Promise<StoreStatus>
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

import type { JsonValue, PathInput, PatternInput } from '@dustlayer/protocol'
import type { Entry, Operations, WatchEvent } from './operations.js'
import type { DustEvent } from './page/events.js'
import type { Page } from './page/page-of.js'
import type { StoreStatus } from './page/status.js'
import type {
  DeleteOptions,
  EnumSelect,
  ListingOptions,
  PutOptions,
  RangeSelect,
  SubscribeOptions,
} from './page/store-options.js'
import type { Off } from './page/subscribers.js'
import type { Write } from './page/writes.js'

/** One store's {@link Operations}, without naming it each time. */
export interface Store {
  /** As given: `org/name`. */
  readonly name: string
  put(path: PathInput, value: unknown, options?: PutOptions): Write
  merge(path: PathInput, map: unknown): Write
  delete(path: PathInput, options?: DeleteOptions): Write
  increment(path: PathInput, by?: number | bigint): Write
  add(path: PathInput, member: unknown): Write
  remove(path: PathInput, member: unknown): Write
  get<T = JsonValue>(path: PathInput): Promise<T | undefined>
  getMany<T = JsonValue>(paths: readonly PathInput[]): Promise<{ [path: string]: T }>
  entry<T = JsonValue>(path: PathInput): Promise<Entry<T> | undefined>
  enum(
    pattern: PatternInput,
    options: ListingOptions<EnumSelect> & { readonly select: 'keys' | 'prefixes' },
  ): Promise<Page<string>>
  enum<T = JsonValue>(
    pattern: PatternInput,
    options?: ListingOptions<EnumSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
  range(
    from: PathInput,
    to: PathInput,
    options: ListingOptions<RangeSelect> & { readonly select: 'keys' },
  ): Promise<Page<string>>
  range<T = JsonValue>(
    from: PathInput,
    to: PathInput,
    options?: ListingOptions<RangeSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
  on(pattern: PatternInput, callback: (event: DustEvent) => void, options?: SubscribeOptions): Off
  watch(pattern: PatternInput, callback: (event: WatchEvent) => void, options?: SubscribeOptions): Off
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
    get: (path) => operations.get(name, path),
    getMany: (paths) => operations.getMany(name, paths),
    entry: (path) => operations.entry(name, path),
    // Bound, because an arrow function cannot carry the overloads on.
    enum: operations.enum.bind(undefined, name) as Store['enum'],
    range: operations.range.bind(undefined, name) as Store['range'],
    on: (...args) => operations.on(name, ...args),
    watch: (...args) => operations.watch(name, ...args),
    status: () => operations.status(name),
    onStatus: (callback) => operations.onStatus(name, callback),
  }
}

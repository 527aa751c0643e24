import {
  type JsonValue,
  normalizePath,
  OptionError,
  type PathInput,
  type PatternInput,
  parsePattern,
} from '@dustlayer/protocol'
import type { EntryData, LocalOp } from '@dustlayer/replica'
import type { Connection } from './page/connection.js'
import type { DustEvent, PresentEvent } from './page/events.js'
import { type Page, pageOf } from './page/page-of.js'
import type { StoreStatus } from './page/status.js'
import {
  checkDeleteOptions,
  checkEnumOptions,
  checkPutOptions,
  checkRangeOptions,
  checkSubscribeOptions,
  type DeleteOptions,
  type EnumSelect,
  type ListingOptions,
  type PutOptions,
  type RangeSelect,
  type SubscribeOptions,
} from './page/store-options.js'
import type { Off } from './page/subscribers.js'
import { takeMap, takeMember, takeNumber, takeValue } from './page/values.js'
import { refusedWrite, type Write } from './page/writes.js'
import { checkStoreName } from './store-name.js'

/** An entry, or a node assembled from the entries below it (type `map`, its revision the highest of them). */
export interface Entry<T = JsonValue> extends Omit<EntryData, 'value'> {
  readonly value: T
}

/** What `watch` tells: first each entry that is there, then every change. */
export type WatchEvent = PresentEvent | DustEvent

/**
 * Everything that can be done with a store, named first. Reads answer from this device and never wait for the
 * network. Errors of arguments (paths, patterns, values, options) come before anything is sent: as a rejection from
 * what returns a promise, thrown by what does not.
 *
 * `T` in reads is what the caller knows about the value; it is not checked.
 */
export interface Operations {
  /** Writes a value; a map is written as one entry for each of its leaves, and replaces what was below the path. */
  put(store: string, path: PathInput, value: unknown, options?: PutOptions): Write
  /** Writes the children given and leaves their siblings alone. */
  merge(store: string, path: PathInput, map: unknown): Write
  /** Removes the entry and everything below it. */
  delete(store: string, path: PathInput, options?: DeleteOptions): Write
  /** Adds to a counter, 1 by default; concurrent increments all count. */
  increment(store: string, path: PathInput, by?: number | bigint): Write
  /** Adds a member to a set. */
  add(store: string, path: PathInput, member: unknown): Write
  /** Removes a member from a set. */
  remove(store: string, path: PathInput, member: unknown): Write
  /** The value at a path, assembled from below when there is no leaf; undefined when there is nothing. */
  get<T = JsonValue>(store: string, path: PathInput): Promise<T | undefined>
  /** The values of up to 1,000 paths, by the path as given (arrays: as rendered). Missing ones are left out. */
  getMany<T = JsonValue>(store: string, paths: readonly PathInput[]): Promise<{ [path: string]: T }>
  /** The value with its type, revision, and whether the server has it. */
  entry<T = JsonValue>(store: string, path: PathInput): Promise<Entry<T> | undefined>
  /** Entries by pattern: nodes of the pattern's depth, or leaves where it ends in `**`. */
  enum(
    store: string,
    pattern: PatternInput,
    options: ListingOptions<EnumSelect> & { readonly select: 'keys' | 'prefixes' },
  ): Promise<Page<string>>
  enum<T = JsonValue>(
    store: string,
    pattern: PatternInput,
    options?: ListingOptions<EnumSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
  /** Leaves with from ≤ path < to, in byte order. */
  range(
    store: string,
    from: PathInput,
    to: PathInput,
    options: ListingOptions<RangeSelect> & { readonly select: 'keys' },
  ): Promise<Page<string>>
  range<T = JsonValue>(
    store: string,
    from: PathInput,
    to: PathInput,
    options?: ListingOptions<RangeSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
  /** Calls back for each change at a matching path. */
  on(
    store: string,
    pattern: PatternInput,
    callback: (event: DustEvent) => void,
    options?: SubscribeOptions,
  ): Off
  /** Calls back for each matching entry that is there, then for each change: nothing missed, nothing twice. */
  watch(
    store: string,
    pattern: PatternInput,
    callback: (event: WatchEvent) => void,
    options?: SubscribeOptions,
  ): Off
  status(store: string): Promise<StoreStatus>
  /** Calls back with the status now and whenever it changes. */
  onStatus(store: string, callback: (status: StoreStatus) => void): Off
}

const LARGEST_GET_MANY = 1_000

export function createOperations({ call, write, subscribe, status }: Connection): Operations {
  /** Arguments are checked, and values taken, before this returns; their errors become the write's. */
  const writeOp = (store: string, path: PathInput, op: () => Omit<LocalOp, 'opId' | 'path'>): Write => {
    try {
      return write(checkStoreName(store), { path: normalizePath(path), ...op() })
    } catch (error) {
      return refusedWrite(error)
    }
  }

  // The overloads tell what the listing's items are; `select` decides it.
  const enumerate = async <T>(store: string, pattern: PatternInput, options?: ListingOptions<EnumSelect>) => {
    const parsed = parsePattern(pattern)
    const checked = checkEnumOptions(options, parsed)
    return pageOf<T>(
      await call({ kind: 'enum', store: checkStoreName(store), pattern: parsed.source, options: checked }),
    )
  }
  const range = async <T>(
    store: string,
    from: PathInput,
    to: PathInput,
    options?: ListingOptions<RangeSelect>,
  ) => {
    const bounds = { from: normalizePath(from), to: normalizePath(to) }
    const checked = checkRangeOptions(options)
    return pageOf<T>(await call({ kind: 'range', store: checkStoreName(store), ...bounds, options: checked }))
  }

  return {
    put: (store, path, value, options) =>
      writeOp(store, path, () => ({ op: 'set', value: takeValue(value), ...checkPutOptions(options) })),
    merge: (store, path, map) => writeOp(store, path, () => ({ op: 'merge', value: takeMap(map) })),
    delete: (store, path, options) =>
      writeOp(store, path, () => ({ op: 'delete', value: null, ...checkDeleteOptions(options) })),
    increment: (store, path, by = 1) =>
      writeOp(store, path, () => ({ op: 'increment', value: takeNumber(by) })),
    add: (store, path, member) =>
      writeOp(store, path, () => ({ op: 'add', value: takeMember('add', member) })),
    remove: (store, path, member) =>
      writeOp(store, path, () => ({ op: 'remove', value: takeMember('remove', member) })),
    async get<T>(store: string, path: PathInput) {
      const value = await call({ kind: 'get', path: normalizePath(path), store: checkStoreName(store) })
      return value as T | undefined
    },
    async getMany<T>(store: string, paths: readonly PathInput[]) {
      if (paths.length > LARGEST_GET_MANY) {
        throw new OptionError(
          `getMany takes at most ${LARGEST_GET_MANY} paths, not ${paths.length}. Ask in parts.`,
        )
      }
      const wanted = new Map(
        paths.map((path) => [typeof path === 'string' ? path : normalizePath(path), path]),
      )
      const rendered = new Map(Array.from(wanted, ([given, path]) => [given, normalizePath(path)]))
      const values = await call({
        kind: 'getMany',
        paths: [...rendered.values()],
        store: checkStoreName(store),
      })
      return Object.fromEntries(
        Array.from(rendered).flatMap(([given, path]) =>
          Object.hasOwn(values, path) ? [[given, values[path] as T] as const] : [],
        ),
      )
    },
    async entry<T>(store: string, path: PathInput) {
      const entry = await call({ kind: 'entry', path: normalizePath(path), store: checkStoreName(store) })
      return entry as Entry<T> | undefined
    },
    enum: enumerate,
    range,
    on(store, pattern, callback, options) {
      return subscribe({
        store: checkStoreName(store),
        pattern: parsePattern(pattern).source,
        ...checkSubscribeOptions('on', options),
        onChange: checkCallback('on', callback),
      })
    },
    watch(store, pattern, callback, options) {
      return subscribe({
        store: checkStoreName(store),
        pattern: parsePattern(pattern).source,
        ...checkSubscribeOptions('watch', options),
        onChange: checkCallback('watch', callback),
        onPresent: callback,
      })
    },
    status: async (store) => status.get(checkStoreName(store)),
    onStatus: (store, callback) => status.on(checkStoreName(store), checkCallback('onStatus', callback)),
  }
}

function checkCallback<F>(call: string, callback: F): F {
  if (typeof callback === 'function') return callback
  throw new OptionError(`${call} needs a function to call back.`, { option: 'callback' })
}

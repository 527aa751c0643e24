import {
  normalizePath,
  OptionError,
  type PathInput,
  type PatternInput,
  parseGivenPattern,
  type Value,
} from '@dustlayer/protocol'
import type { EntryData, PageData, ReadData } from '@dustlayer/replica'
import type { Connection } from '../page/connection.js'
import { type Page, pageOf } from '../page/page-of.js'
import { reviveEntry, reviveValue } from '../page/revive.js'
import {
  checkEnumOptions,
  checkGetOptions,
  checkRangeOptions,
  type EnumSelect,
  type GetOptions,
  type ListingOptions,
  type RangeSelect,
} from '../page/store-options.js'
import { checkStoreName } from '../store-name.js'

/** An entry, or a node assembled from the entries below it (type `map`, its revision the highest of them). */
export interface Entry<T = Value> extends Omit<EntryData, 'value' | 'sets'> {
  readonly value: T
}

/**
 * Reads answer from this device and never wait for the network.
 *
 * `T` is what the caller knows about the value; it is not checked.
 */
export interface ReadOperations {
  /** The value at a path, assembled from below when there is no leaf; undefined when there is nothing. */
  get<T = Value>(store: string, path: PathInput, options?: GetOptions<T>): Promise<T | undefined>
  /** The values of up to 1,000 paths, by the path as given (arrays: as rendered). Missing ones are left out. */
  getMany<T = Value>(store: string, paths: readonly PathInput[]): Promise<{ [path: string]: T }>
  /** The value with its type, revision, and whether the server has it. */
  entry<T = Value>(store: string, path: PathInput): Promise<Entry<T> | undefined>
  /** Entries by pattern: nodes of the pattern's depth, or leaves where it ends in `**`. */
  enum(
    store: string,
    pattern: PatternInput,
    options: ListingOptions<EnumSelect> & { readonly select: 'keys' | 'prefixes' },
  ): Promise<Page<string>>
  enum<T = Value>(
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
  range<T = Value>(
    store: string,
    from: PathInput,
    to: PathInput,
    options?: ListingOptions<RangeSelect> & { readonly select?: 'entries' | undefined },
  ): Promise<Page<Entry<T>>>
}

const LARGEST_GET_MANY = 1_000

export type ReadContext = Pick<Connection, 'call' | 'recall' | 'report'>

export function createReadOperations({ call, recall, report }: ReadContext): ReadOperations {
  const get = (store: string, path: string) => call({ kind: 'get', path, store })

  const getWithStale = async <T>(store: string, path: string, onStale: (value: T) => void) => {
    const query = JSON.stringify(['get', store, path])
    let answered = false
    void recall.find(store, query).then((found) => {
      if (answered || found === undefined) return
      try {
        // Nothing else is noted under the key of a get.
        onStale(revived<T>(found as ReadData))
      } catch (error) {
        report(error)
      }
    })
    try {
      const read = await get(store, path)
      recall.note(query, () => read)
      return read
    } finally {
      answered = true
    }
  }

  // The overloads tell what the listing's items are; `select` decides it.
  const enumerate = async <T>(store: string, pattern: PatternInput, options?: ListingOptions<EnumSelect>) => {
    const parsed = parseGivenPattern(pattern)
    const checked = checkEnumOptions(options, parsed)
    const data = await call({
      kind: 'enum',
      store: checkStoreName(store),
      pattern: parsed.source,
      options: checked,
    })
    return revivedPage<T>(data)
  }

  const range = async <T>(
    store: string,
    from: PathInput,
    to: PathInput,
    options?: ListingOptions<RangeSelect>,
  ) => {
    const bounds = { from: normalizePath(from), to: normalizePath(to) }
    const checked = checkRangeOptions(options)
    const data = await call({ kind: 'range', store: checkStoreName(store), ...bounds, options: checked })
    return revivedPage<T>(data)
  }

  return {
    async get<T>(store: string, path: PathInput, options?: GetOptions<T>) {
      checkGetOptions(options)
      const onStale = options?.onStale
      const where = [checkStoreName(store), normalizePath(path)] as const
      const read = await (onStale ? getWithStale(...where, onStale) : get(...where))
      return read && revived<T>(read)
    },
    async getMany<T>(store: string, paths: readonly PathInput[]) {
      if (!Array.isArray(paths)) throw new OptionError('getMany needs a list of paths.')
      if (paths.length > LARGEST_GET_MANY) {
        throw new OptionError(
          `getMany takes at most ${LARGEST_GET_MANY} paths, not ${paths.length}. Ask in parts.`,
        )
      }
      const wanted = new Map(
        paths.map((path) => {
          const rendered = normalizePath(path)
          return [typeof path === 'string' ? path : rendered, rendered]
        }),
      )
      const reads = await call({ kind: 'getMany', paths: [...wanted.values()], store: checkStoreName(store) })
      return Object.fromEntries(
        [...wanted.keys()].flatMap((given, i) => {
          const read = reads[i]
          return read ? [[given, revived<T>(read)] as const] : []
        }),
      )
    },
    async entry<T>(store: string, path: PathInput) {
      const entry = await call({ kind: 'entry', path: normalizePath(path), store: checkStoreName(store) })
      return entry && reviveEntry<T>(entry)
    },
    enum: enumerate,
    range,
  }
}

/** T is what the caller knows about the value. */
function revived<T>({ value, type, sets }: ReadData): T {
  return reviveValue(value, type, sets) as T
}

/** `T` is what the listing's `select` gives: entries, or paths. */
function revivedPage<T>({ items, nextCursor }: PageData): Page<T> {
  const shown: readonly unknown[] = items.map((item) => (typeof item === 'string' ? item : reviveEntry(item)))
  return pageOf(shown as readonly T[], nextCursor)
}

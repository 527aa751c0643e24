import { roughSize } from './rough-size.js'

/**
 * The last results of an instance's queries, which a page can show before its worker is up. They are kept apart from
 * the replica, in small storage that opens at once, and are only ever a first guess.
 */
export interface Recall {
  /**
   * What a query of a store gave when it was last noted; undefined when that is not known, or cannot be, or when this
   * page has seen something of the store that is newer. Never rejects.
   */
  find(store: string, query: string): Promise<unknown>
  /** This page has been answered out of the store: what is remembered of it is only older. */
  answered(store: string): void
  /** What it gives now; `result` is called when that is about to be written, and undefined takes it out. */
  note(query: string, result: () => unknown): void
  /** Writes what is noted; resolves when it is written. */
  flush(): Promise<void>
  /** Ends it; what is noted is written. */
  close(): Promise<void>
  /** Ends it, and removes everything. */
  forget(): Promise<void>
}

/** Keys and values that outlive the page, such as idb-keyval keeps in IndexedDB. */
export interface SmallStorage {
  get(key: string): Promise<unknown>
  /** In one transaction. */
  update(key: string, change: (value: unknown) => unknown): Promise<void>
  delete(key: string): Promise<void>
}

export interface RecallOptions {
  readonly storage: SmallStorage
  readonly instance: string
  /** Epoch ms. */
  now(): number
  /** Runs a function when the page has nothing better to do, or is about to go; once. */
  whenIdle(run: () => void): void
  /** It is over: there is nothing to wait for any more. */
  ended(): void
}

/** Beyond these, the results that were noted longest ago go. */
const MAX_QUERIES = 32
const MAX_BYTES = 256 * 1024

interface Remembered {
  readonly at: number
  readonly bytes: number
  readonly result: unknown
}

type Queries = { readonly [query: string]: Remembered }

export function createRecall(options: RecallOptions): Recall {
  const { storage, instance, now, whenIdle } = options
  const key = recallKey(instance)
  const noted = new Map<string, () => unknown>()
  let loading: Promise<Queries> | undefined
  let writing: Promise<void> = Promise.resolve()
  let planned = false
  let over = false
  const known = new Set<string>()

  // Where there is no IndexedDB, as in some private windows, nothing is remembered, and that is all.
  const load = (): Promise<Queries> => storage.get(key).then(queriesOf, () => ({}))

  const take = (): { readonly [query: string]: Remembered | undefined } => {
    const at = now()
    const fresh = [...noted].map(([query, read]) => {
      const result = read()
      const bytes = roughSize(result, MAX_BYTES)
      return [query, result === undefined || bytes > MAX_BYTES ? undefined : { at, bytes, result }] as const
    })
    noted.clear()
    return Object.fromEntries(fresh)
  }

  const flush = (): Promise<void> => {
    planned = false
    if (noted.size === 0) return writing
    const fresh = take()
    const write = (): Promise<void> =>
      storage
        .update(key, (before) => ({ v: VERSION, queries: newest({ ...queriesOf(before), ...fresh }) }))
        // The next page starts without; that costs milliseconds.
        .catch(() => undefined)
    writing = writing.then(write)
    return writing
  }

  const end = (): void => {
    if (over) return
    over = true
    options.ended()
  }

  return {
    async find(store, query) {
      if (over || known.has(store)) return undefined
      loading ??= load()
      const remembered = (await loading)[query]
      return over || known.has(store) ? undefined : remembered?.result
    },
    answered: (store) => void known.add(store),
    note(query, result) {
      if (over) return
      noted.set(query, result)
      if (planned) return
      planned = true
      whenIdle(() => {
        if (planned) void flush()
      })
    },
    flush,
    async close() {
      end()
      await flush()
    },
    async forget() {
      end()
      noted.clear()
      await writing
      await storage.delete(key).catch(() => undefined)
    },
  }
}

/** Among the instance's keys, so that destroying it finds this one, too. */
function recallKey(instance: string): string {
  return `dust:${instance}:recall`
}

const VERSION = 1

/** What another version has written is not understood, and not kept. */
function queriesOf(stored: unknown): Queries {
  if (typeof stored !== 'object' || stored === null) return {}
  const { v, queries } = stored as { readonly v?: unknown; readonly queries?: Queries }
  return v === VERSION && typeof queries === 'object' ? queries : {}
}

function newest(queries: { readonly [query: string]: Remembered | undefined }): Queries {
  const byAge = Object.entries(queries)
    .filter((one): one is [string, Remembered] => one[1] !== undefined)
    .sort(([, a], [, b]) => b.at - a.at)
  const kept: [string, Remembered][] = []
  let bytes = 0
  for (const one of byAge) {
    bytes += one[1].bytes
    if (kept.length === MAX_QUERIES || bytes > MAX_BYTES) break
    kept.push(one)
  }
  return Object.fromEntries(kept)
}

/** Of an instance that keeps nothing. */
export const NO_RECALL: Recall = {
  find: async () => undefined,
  answered: () => undefined,
  note: () => undefined,
  flush: async () => undefined,
  close: async () => undefined,
  forget: async () => undefined,
}

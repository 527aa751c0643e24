/** The libraries that hold the same data in the same page. */
export type PeerName =
  | 'dust'
  | 'dust offline'
  | 'idb-keyval'
  | 'idb-keyval strict'
  | 'dexie'
  | 'dexie strict'
  | 'sqlite'

/** When a write's promise resolves, what it has been through. */
export const DURABILITY: { readonly [name in PeerName]: string } = {
  dust: 'SQLite WAL, synchronous FULL: flushed; then synced to a server on this machine',
  'dust offline': 'the same, with no server to reach',
  'idb-keyval': 'IndexedDB as shipped: Chromium’s relaxed durability, not flushed',
  'idb-keyval strict': 'IndexedDB with durability strict: flushed',
  dexie: 'IndexedDB as shipped: Chromium’s relaxed durability, not flushed',
  'dexie strict': 'IndexedDB with durability strict: flushed',
  sqlite: 'sqlite-wasm on opfs-sahpool behind bare Comlink, WAL, synchronous FULL: flushed',
}

/** Where the Dust peers connect to. */
export interface Session {
  readonly url: string
  readonly token: string
  readonly store: string
}

export type Entries = readonly (readonly [key: string, value: string])[]

/** One library behind the calls that the scenarios time. Keys are paths such as `list/0001`. */
export interface Peer {
  put(key: string, value: string): Promise<void>
  /** The library's own call for many writes. */
  putAll(entries: Entries): Promise<void>
  get(key: string): Promise<string | undefined>
  /** The library's own call for many reads. */
  getAll(keys: readonly string[]): Promise<(string | undefined)[]>
  /** Values of all keys below `prefix/`, in key order, with their keys. */
  list(prefix: string): Promise<Entries>
  /** Calls back with each new value of a key; libraries without a change feed leave it out. */
  watch?(key: string, callback: (value: string) => void): Promise<() => void>
  /** Resolves when nothing that was written still causes work in the background. */
  settled(): Promise<void>
  close(): Promise<void>
}

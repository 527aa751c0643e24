import { randomUUID } from 'node:crypto'
import type { Catalog, StoreRecord } from './catalog.js'
import type { Clock } from './clock.js'
import type { CompactionPolicy } from './compaction-policy.js'
import { checkExpiry } from './expiry.js'
import type { Logger } from './log.js'
import { isActive, type OpenStore, openStore } from './open-store.js'
import type { Scheduler } from './scheduler.js'
import type { StorageEngine } from './storage.js'
import { parseStoreName, readStoreName } from './store-name.js'

/** The stores of one data directory: finds, creates, opens and archives them. Works without any network. */
export interface StoreHub {
  /**
   * The store that a topic names: `org/name` when it is active, or a UUID whatever its status
   * (spec/wire.md §4). Undefined when there is none.
   */
  find(reference: string): StoreRecord | undefined
  /** @throws OptionError when the name is invalid or taken. */
  create(name: string, options?: { readonly expiresAt?: number }): StoreRecord
  /**
   * The one open instance of a store. It may be closed, when many others are opened, as soon as nobody follows it:
   * do not keep it without following it. @throws StorageError when its storage cannot be opened.
   */
  open(record: StoreRecord): OpenStore
  /** No more writes, no more joins by name; the data stays. */
  archive(id: string): void
  /** Archives the stores whose time is up, and returns them. */
  archiveExpired(): StoreRecord[]
  /** Commits and answers what has been submitted, and takes no further writes. */
  flush(): void
  close(): void
}

export interface StoreHubOptions {
  readonly catalog: Catalog
  readonly engine: StorageEngine
  readonly clock: Clock
  /** The system's unless given. */
  readonly scheduler?: Scheduler | undefined
  /** How much of their logs stores keep: null for all, the default policy unless given. */
  readonly compaction?: CompactionPolicy | null | undefined
  readonly logger?: Logger | undefined
}

/** Each open store takes files and memory, so of those that nobody follows only the last used stay open. */
const MOST_UNFOLLOWED = 64

export function createStoreHub(options: StoreHubOptions): StoreHub {
  const { catalog, engine, clock } = options
  const opened = new Map<string, OpenStore>()
  /** The longest unused first. */
  const closeUnfollowed = () => {
    const unfollowed = [...opened.values()].filter((store) => !store.followed)
    for (const store of unfollowed.slice(0, Math.max(0, unfollowed.length - MOST_UNFOLLOWED))) {
      opened.delete(store.record.id)
      store.close()
    }
  }
  const archive = (id: string) => {
    catalog.stores.archive(id)
    const store = opened.get(id)
    if (store) store.record = { ...store.record, status: 'archived' }
  }
  return {
    find(reference) {
      if (!reference.includes('/')) return catalog.stores.findById(reference.toLowerCase())
      const name = readStoreName(reference)
      const record = name && catalog.stores.findByName(name)
      return record && isActive(record, clock.now()) ? record : undefined
    },
    create: (name, options) => createStoreRecord(catalog, clock, name, options),
    open(record) {
      let store = opened.get(record.id)
      if (!store) {
        if (opened.size >= MOST_UNFOLLOWED) closeUnfollowed()
        store = openStore(record, engine.open(record.org, record.name), options)
      }
      store.record = record
      // The map keeps its keys in this order: the last used comes last.
      opened.delete(record.id)
      opened.set(record.id, store)
      return store
    },
    archive,
    archiveExpired() {
      const now = clock.now()
      const expired = catalog.stores
        .list()
        .filter((store) => store.status === 'active' && !isActive(store, now))
      for (const store of expired) archive(store.id)
      return expired
    },
    flush() {
      for (const store of opened.values()) store.sequencer.close()
    },
    close() {
      for (const store of opened.values()) store.close()
      opened.clear()
    },
  }
}

/** @throws OptionError when the name is invalid or taken. */
export function createStoreRecord(
  catalog: Catalog,
  clock: Clock,
  name: string,
  { expiresAt }: { readonly expiresAt?: number } = {},
): StoreRecord {
  const parsed = parseStoreName(name)
  const now = clock.now()
  const record: StoreRecord = {
    id: randomUUID(),
    ...parsed,
    status: 'active',
    createdAt: now,
    expiresAt: checkExpiry(expiresAt),
  }
  catalog.stores.create(record)
  return record
}

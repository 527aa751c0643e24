import type { Scope } from './scope.js'
import type { StoreName } from './store-name.js'

/** What the server knows about a store besides its contents. */
export interface StoreRecord extends StoreName {
  /** A UUID; clients may join by it. */
  readonly id: string
  readonly status: 'active' | 'archived'
  /** Epoch milliseconds. */
  readonly createdAt: number
  /** Epoch milliseconds after which the store counts as archived; null means never. */
  readonly expiresAt: number | null
}

export interface StoreDirectory {
  findByName(name: StoreName): StoreRecord | undefined
  findById(id: string): StoreRecord | undefined
  /** @throws OptionError when the store exists. */
  create(record: StoreRecord): void
  archive(id: string): void
  list(): StoreRecord[]
}

/** A token as it is kept: never its text, only the hash of it. */
export interface TokenRecord {
  readonly id: string
  /** SHA-256 of the token's text. */
  readonly hash: Buffer
  /** The last four characters, so that people can tell tokens apart. */
  readonly last4: string
  readonly name: string
  readonly org: string
  /** `all` stores of the organization, or the selected ones. */
  readonly storeAccess: 'all' | 'selected'
  /** Ids of the selected stores, sorted; empty for `all`. */
  readonly storeIds: readonly string[]
  /** Sorted. */
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

export interface TokenTable {
  add(token: TokenRecord): void
  findByHash(hash: Buffer): TokenRecord | undefined
  /** Whether the token exists, is not revoked and not expired. Called for every push, so it must be cheap. */
  isLive(id: string, now: number): boolean
  list(): TokenRecord[]
  /** False when there is no such token, or it was revoked before. */
  revoke(id: string, now: number): boolean
}

/** Which stores a blob may have been uploaded to, so that a download need not look into all of them. */
export interface UploadIndex {
  add(hash: string, storeId: string): void
  storesWith(hash: string): StoreRecord[]
}

/** Stores, tokens and devices of one data directory. Several processes may have it open. */
export interface Catalog {
  readonly stores: StoreDirectory
  readonly tokens: TokenTable
  readonly uploads: UploadIndex
  /** Notes that a device connected. */
  deviceSeen(deviceId: string, tokenId: string, now: number): void
  /** Throws when the catalog cannot be read. */
  check(): void
  close(): void
}

import { OptionError } from '@dustlayer/protocol'
import type { StoreRecord, TokenRecord } from './catalog.js'
import type { Clock } from './clock.js'
import type { DataDir } from './data-dir.js'
import type { SocketEndpoint } from './socket-endpoint.js'
import type { SnapshotInfo } from './storage.js'
import { parseStoreName } from './store-name.js'
import { type CreatedToken, createToken, type NewToken } from './token.js'

/** What the owner of a server may do with it while it runs. */
export interface Administration {
  /** @throws OptionError when the name is invalid or taken. */
  createStore(name: string, options?: { readonly expiresAt?: number }): StoreRecord
  listStores(): StoreRecord[]
  /** No more writes, no more joins by name; members' topics are closed. The data stays. */
  archiveStore(name: string): void
  /** Replaces the log of a store by a snapshot; null when the log is empty. */
  compact(name: string): SnapshotInfo | null
  /** @throws OptionError when a store is unknown. */
  createToken(token: NewToken): CreatedToken
  listTokens(): TokenRecord[]
  /** Connections that use it end. False when there is no such token, or it was revoked before. */
  revokeToken(id: string): boolean
}

export function createAdministration(
  { catalog, hub }: DataDir,
  clock: Clock,
  { endStore, checkTokens }: Pick<SocketEndpoint, 'endStore' | 'checkTokens'>,
): Administration {
  const find = (name: string): StoreRecord => {
    const record = catalog.stores.findByName(parseStoreName(name))
    if (record) return record
    throw new OptionError(`There is no store ${name}.`)
  }
  return {
    createStore: hub.create,
    listStores: () => catalog.stores.list(),
    archiveStore(name) {
      const { id } = find(name)
      hub.archive(id)
      endStore(id)
    },
    compact: (name) => hub.open(find(name)).sequencer.compact(),
    createToken: (token) => createToken(catalog, token, clock.now()),
    listTokens: () => catalog.tokens.list(),
    revokeToken(id) {
      const revoked = catalog.tokens.revoke(id, clock.now())
      checkTokens()
      return revoked
    },
  }
}

import type { Catalog, StoreRecord, TokenRecord } from '@dustlayer/server'

/** A catalog that lives as long as the simulation, so that crashes of the server leave it alone. */
export function createMemoryCatalog(): Catalog {
  const stores = new Map<string, StoreRecord>()
  const tokens = new Map<string, TokenRecord>()
  return {
    stores: {
      findByName: ({ org, name }) =>
        [...stores.values()].find((store) => store.org === org && store.name === name),
      findById: (id) => stores.get(id),
      create: (record) => void stores.set(record.id, record),
      archive(id) {
        const store = stores.get(id)
        if (store) stores.set(id, { ...store, status: 'archived' })
      },
      list: () => [...stores.values()],
    },
    tokens: {
      add: (token) => void tokens.set(token.id, token),
      findByHash: (hash) => [...tokens.values()].find((token) => token.hash.equals(hash)),
      isLive: (id) => tokens.get(id)?.revokedAt === null,
      list: () => [...tokens.values()],
      revoke(id, now) {
        const token = tokens.get(id)
        if (!token || token.revokedAt !== null) return false
        tokens.set(id, { ...token, revokedAt: now })
        return true
      },
    },
    uploads: { add() {}, storesWith: () => [] },
    deviceSeen() {},
    check() {},
    close() {},
  }
}

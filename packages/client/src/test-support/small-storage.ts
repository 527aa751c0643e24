import type { SmallStorage } from '../page/recall.js'

/** As IndexedDB: what is kept is a copy. */
export function smallStorage(kept: Map<string, unknown>): SmallStorage {
  return {
    get: async (key) => structuredClone(kept.get(key)),
    async update(key, change) {
      kept.set(key, structuredClone(change(kept.get(key))))
    },
    async delete(key) {
      kept.delete(key)
    },
  }
}

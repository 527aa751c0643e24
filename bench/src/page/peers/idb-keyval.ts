import { get, getMany, promisifyRequest, set, setMany, type UseStore } from 'idb-keyval'
import type { Entries, Peer } from './peer.js'

/** idb-keyval, with its store opened as it does itself; `strict` asks IndexedDB to flush each transaction. */
export async function openIdbKeyval(durability: 'default' | 'strict'): Promise<Peer> {
  const request = indexedDB.open(`bench-keyval-${durability}`)
  request.onupgradeneeded = () => request.result.createObjectStore('keyval')
  const database = await promisifyRequest(request)
  const store: UseStore = async (mode, callback) =>
    callback(database.transaction('keyval', mode, { durability }).objectStore('keyval'))

  return {
    put: (key, value) => set(key, value, store),
    // setMany wants a mutable array of mutable pairs and changes neither.
    putAll: (entries) => setMany(entries as [string, string][], store),
    get: (key) => get<string>(key, store),
    getAll: (keys) => getMany<string>([...keys], store),
    list: (prefix) =>
      store('readonly', async (objects): Promise<Entries> => {
        const range = IDBKeyRange.bound(`${prefix}/`, `${prefix}0`, false, true)
        const [keys, values] = await Promise.all([
          promisifyRequest(objects.getAllKeys(range)),
          promisifyRequest<string[]>(objects.getAll(range)),
        ])
        return keys.map((key, index) => [String(key), values[index] ?? ''] as const)
      }),
    settled: async () => {},
    close: async () => database.close(),
  }
}

import { wrap } from 'comlink'
import type { Peer } from './peer.js'
import type { RawDatabase } from './sqlite-worker.js'

/** Raw sqlite-wasm in a worker, reached by bare Comlink: a message a call. */
export async function openSqlite(): Promise<Peer> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { type: 'module' })
  const remote = wrap<RawDatabase>(worker)
  return {
    put: (key, value) => remote.put(key, value),
    putAll: async (entries) => void (await remote.putAll(entries)),
    get: (key) => remote.get(key),
    getAll: (keys) => remote.getAll(keys),
    list: (prefix) => remote.list(prefix),
    settled: async () => {},
    close: async () => worker.terminate(),
  }
}

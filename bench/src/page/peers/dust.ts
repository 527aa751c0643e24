import { createDust, type Write } from '@dustlayer/client'
import type { Peer, Session } from './peer.js'

/** Dust as an app uses it; `name` is the instance, with files of its own. */
export async function openDust({
  url,
  token,
  store: storeName,
  name,
}: Session & { name: string }): Promise<Peer> {
  const dust = createDust({ url, token, name })
  const store = dust.store(storeName)
  const offline = name.endsWith('offline')
  const verdicts = new Set<Promise<unknown>>()

  const written = async (write: Write): Promise<void> => {
    const { committed } = await write
    if (offline) return
    verdicts.add(committed)
    const forget = () => verdicts.delete(committed)
    committed.then(forget, forget)
  }
  // The bench stores text only.
  const text = (value: unknown): string | undefined => value as string | undefined

  return {
    put: (key, value) => written(store.put(key, value)),
    putAll(entries) {
      const prefix = (entries[0]?.[0] ?? '').split('/').slice(0, -1).join('/')
      const map = Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length + 1), value]))
      return written(store.merge(prefix, map))
    },
    get: async (key) => text(await store.get(key)),
    async getAll(keys) {
      const found = await store.getMany([...keys])
      return keys.map((key) => text(found[key]))
    },
    async list(prefix) {
      const page = await store.enum(`${prefix}/**`)
      return page.items.map(({ path, value }) => [path, text(value) ?? ''] as const)
    },
    async watch(key, callback) {
      let last: unknown
      // A write is told twice, when it shows and when the server has it; the first of them counts.
      return store.on(key, ({ value }) => {
        if (value === last) return
        last = value
        callback(String(value))
      })
    },
    settled: async () => void (await Promise.all(verdicts)),
    close: () => dust.close(),
  }
}

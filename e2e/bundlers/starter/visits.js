import { openDust } from './dust.js'

/** Reads, writes, reads again, and says where the data is kept. */
export async function countVisit() {
  const { server, token, store } = Object.fromEntries(new URLSearchParams(location.search))
  const app = openDust(server, token).store(store)
  const earlier = (await app.get('visits')) ?? 0
  const visit = await app.put('visits', earlier + 1)
  await visit.committed
  const { storage } = await app.status()
  return `${await app.get('visits')} in ${storage.kind}`
}

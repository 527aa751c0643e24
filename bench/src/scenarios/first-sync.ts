import type { PeerName } from '../page/peers/peer.js'
import { fillStore } from '../server/fill-store.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const PEERS: readonly PeerName[] = ['idb-keyval', 'dexie', 'sqlite']

export const firstSync: Scenario = {
  name: 'first-sync',
  async run(bench) {
    const session = await bench.server()
    const sizes = bench.quick ? [10_000] : [10_000, 100_000]
    const profile = await bench.emptyProfile()
    const tab = await profile.open()
    const rounds = createRounds()
    for (const count of sizes) {
      const store = `dev/first-sync-${count}`
      await fillStore({ ...session, store }, count)
      for (let round = 0; round < Math.min(bench.rounds, count > 10_000 ? 2 : 3); round++) {
        const column = count.toLocaleString('en')
        const instance = `first-sync-${count}-${round}`
        rounds.add('dust', { [column]: await tab.call.firstSync({ ...session, store }, instance, count) })
        for (const peer of PEERS) {
          rounds.add(peer, { [column]: await tab.call.bulkLoad(peer, session, `${column}-${round}`, count) })
        }
      }
    }
    await profile.close()
    return {
      name: 'first-sync',
      title: 'Bulk ingest, seen from the page',
      notes: [
        'Dust: a new instance opens and takes all entries from the server’s log over a WebSocket, one event an entry, until the last is applied. The others do less: they get the same entries from the page’s memory, 1,000 a call of their own bulk call, with no network, no server and no parsing.',
      ],
      columns: sizes.map((count) => ({ name: count.toLocaleString('en'), unit: 'ms' as const })),
      reference: 'dust',
      rows: rounds.rows(),
    }
  },
}

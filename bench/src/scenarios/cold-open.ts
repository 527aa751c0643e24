import { entryOf } from '../dataset.js'
import type { PeerName } from '../page/peers/peer.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const PEERS: readonly PeerName[] = ['dust', 'idb-keyval', 'dexie', 'sqlite']

export const coldOpen: Scenario = {
  name: 'cold-open',
  async run(bench) {
    const session = await bench.server()
    const profile = await bench.profile()
    const rounds = createRounds()
    const [key] = entryOf('data', 4_711)
    for (let round = 0; round <= bench.rounds * 2; round++) {
      for (const peer of PEERS) {
        const tab = await profile.open()
        const elapsed = await tab.call.coldOpen(peer, session, key)
        if (round > 0) rounds.add(peer, { time: elapsed })
        await tab.call.close()
        await tab.close()
      }
    }
    return {
      name: 'cold-open',
      title: 'From opening to the first read',
      notes: [
        'A new page each time, over 10,000 entries that are there already: from the call that opens the library to the value of one key. The page’s own script is loaded before; worker script and wasm are part of the time, from a warm HTTP cache.',
      ],
      columns: [{ name: 'time', unit: 'ms' }],
      reference: 'dust',
      rows: rounds.rows(),
    }
  },
}

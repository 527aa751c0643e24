import { LISTED } from '../dataset.js'
import { median, timed } from '../stats.js'
import { type PageScenario, READERS } from './page-scenario.js'

export const list: PageScenario = {
  name: 'list',
  title: 'Enumerating 1,000 entries under a prefix',
  notes: [
    'Keys and values, out of 10,000 entries. idb-keyval has no such call; a key range on its object store stands in for one.',
  ],
  columns: [{ name: 'p50', unit: 'ms' }],
  peers: READERS,
  async measure(peer, { quick }) {
    const samples: number[] = []
    for (let repeat = 0; repeat < (quick ? 5 : 15); repeat++) {
      let count = 0
      samples.push(
        await timed(async () => {
          count = (await peer.list('list')).length
        }),
      )
      if (count !== LISTED) throw new Error(`The listing has ${count} entries instead of ${LISTED}.`)
    }
    return { p50: median(samples) }
  },
}

import { OTHERS, shuffledKeys } from '../dataset.js'
import { percentile, timed } from '../stats.js'
import { type PageScenario, READERS } from './page-scenario.js'

export const loneRead: PageScenario = {
  name: 'lone-read',
  title: 'A point read',
  notes: ['One after the other, over 10,000 entries in an order without a pattern.'],
  columns: [
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
  ],
  peers: READERS,
  async measure(peer, { quick }) {
    const samples: number[] = []
    for (const key of shuffledKeys('data', OTHERS, quick ? 100 : 500)) {
      samples.push(await timed(() => peer.get(key)))
    }
    return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) }
  },
}

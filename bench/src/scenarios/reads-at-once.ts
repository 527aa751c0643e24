import { OTHERS, shuffledKeys } from '../dataset.js'
import { median, timed } from '../stats.js'
import { type PageScenario, READERS } from './page-scenario.js'

export const readsAtOnce: PageScenario = {
  name: 'reads-at-once',
  title: '1,000 reads at once',
  notes: [
    '“calls”: 1,000 single reads issued in one tick. “bulk call”: `getMany`, `bulkGet`, one message with all keys.',
  ],
  columns: [
    { name: 'calls', unit: 'ms' },
    { name: 'bulk call', unit: 'ms' },
  ],
  peers: READERS,
  async measure(peer) {
    const keys = shuffledKeys('data', OTHERS, 1_000)
    const calls: number[] = []
    const bulk: number[] = []
    for (let repeat = 0; repeat < 5; repeat++) {
      let found: (string | undefined)[] = []
      calls.push(
        await timed(async () => {
          found = await Promise.all(keys.map((key) => peer.get(key)))
        }),
      )
      if (found.some((value) => value === undefined)) throw new Error('A read found nothing.')
      bulk.push(await timed(() => peer.getAll(keys)))
    }
    return { calls: median(calls), 'bulk call': median(bulk) }
  },
}

import { entriesOf } from '../dataset.js'
import { timed } from '../stats.js'
import { type PageScenario, WRITERS } from './page-scenario.js'

export const writesAtOnce: PageScenario = {
  name: 'writes-at-once',
  title: '1,000 durable writes at once',
  notes: [
    '“calls”: 1,000 single writes issued in one tick, until all promises have resolved. “bulk call”: the library’s own call for many (`setMany`, `bulkPut`, one transaction; for Dust a `merge` of a map).',
  ],
  columns: [
    { name: 'calls', unit: 'ms' },
    { name: 'bulk call', unit: 'ms' },
  ],
  peers: WRITERS,
  async measure(peer, { tag }) {
    const calls = entriesOf(`calls/${tag}`, 1_000)
    const bulk = entriesOf(`bulk/${tag}`, 1_000)
    const callsTime = await timed(() => Promise.all(calls.map(([key, value]) => peer.put(key, value))))
    await peer.settled()
    const bulkTime = await timed(() => peer.putAll(bulk))
    await peer.settled()
    return { calls: callsTime, 'bulk call': bulkTime }
  },
}

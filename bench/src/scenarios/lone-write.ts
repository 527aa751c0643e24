import { entryOf } from '../dataset.js'
import { percentile, timed } from '../stats.js'
import { type PageScenario, WRITERS } from './page-scenario.js'

/** One durable write at a time, each after the one before it has gone through the server, too. */
export const loneWrite: PageScenario = {
  name: 'lone-write',
  title: 'A single durable write',
  notes: [
    'From the call until its promise resolves. Each write has a key of its own and starts 2 ms after the one before it is settled (for Dust: acknowledged by the server).',
  ],
  columns: [
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
  ],
  peers: WRITERS,
  async measure(peer, { tag, quick }) {
    const samples: number[] = []
    for (let index = 0; index < (quick ? 40 : 150); index++) {
      const [key, value] = entryOf(`lone/${tag}`, index)
      samples.push(await timed(() => peer.put(key, value)))
      await peer.settled()
      await pause()
    }
    return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) }
  },
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 2))

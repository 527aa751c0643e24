import { percentile } from '../stats.js'
import type { PageScenario } from './page-scenario.js'

export const callbackSameTab: PageScenario = {
  name: 'callback-same-tab',
  title: 'From a write to the callback in the same tab',
  notes: [
    'From calling `put` to the subscriber being called with the new value. Dexie: `liveQuery` of the key.',
  ],
  columns: [
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
  ],
  peers: ['dust', 'dexie'],
  async measure(peer, { tag, quick }) {
    const key = `callback/${tag}`
    let arrived: (value: string) => void = () => {}
    const off = await peer.watch?.(key, (value) => arrived(value))
    const samples: number[] = []
    for (let index = 0; index < (quick ? 40 : 150); index++) {
      const sent = `${tag} ${index}`
      await new Promise<void>((resolve, reject) => {
        const start = performance.now()
        arrived = (value) => {
          if (value !== sent) return
          samples.push(performance.now() - start)
          resolve()
        }
        peer.put(key, sent).catch(reject)
      })
      arrived = () => {}
      await peer.settled()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    off?.()
    return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) }
  },
}

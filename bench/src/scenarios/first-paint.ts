import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const INSTANCE = 'first-paint'

export const firstPaint: Scenario = {
  name: 'first-paint',
  async run(bench) {
    const session = await bench.server()
    const profile = await bench.profile()
    const rounds = createRounds()
    const warm = await profile.open()
    await warm.call.prepareFirstPaint(session, INSTANCE)
    await warm.close()
    for (let round = 0; round <= bench.rounds * 2; round++) {
      const tab = await profile.open()
      const { first, real } = await tab.call.firstPaint(session, INSTANCE)
      await tab.close()
      const bare = await profile.open()
      const read = await bare.call.bareFirstPaint()
      await bare.close()
      if (round === 0) continue
      rounds.add('dust', { first, real })
      rounds.add('idb-keyval', { first: read })
    }
    return {
      name: 'first-paint',
      title: 'From opening to the first paint',
      notes: [
        'A new page each time: from the call that opens the library to a list of 50 cards that an earlier page has shown. `first` is the remembered result of a live query, marked stale, `real` the one from the database that follows; idb-keyval reads the same data with one `get`. The page’s own script is loaded before; worker script and wasm come from a warm HTTP cache.',
      ],
      columns: [
        { name: 'first', unit: 'ms' },
        { name: 'real', unit: 'ms' },
      ],
      reference: 'dust',
      rows: rounds.rows(),
    }
  },
}

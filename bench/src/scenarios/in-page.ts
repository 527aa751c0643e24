import type { PageScenario } from './page-scenario.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

/** Runs a page scenario: all peers in one page, one after the other in each round, after a round to warm up. */
export function inPage(scenario: PageScenario): Scenario {
  const { name, title, notes, columns, peers } = scenario
  return {
    name,
    async run(bench) {
      const session = await bench.server()
      const profile = await bench.profile()
      const tab = await profile.open()
      const rounds = createRounds()
      for (let round = 0; round <= bench.rounds; round++) {
        for (const peer of peers) {
          const tag = `${name}-${round}`
          const numbers = await tab.call.measure(name, peer, session, {
            tag,
            quick: bench.quick || round === 0,
          })
          if (round > 0) rounds.add(peer, numbers)
        }
      }
      await tab.call.close()
      await tab.close()
      return { name, title, notes, columns, reference: 'dust', rows: rounds.rows() }
    },
  }
}

import type { BenchTab } from '../browser/pages.js'
import { percentile } from '../stats.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const CALLS_FOR_MS = 1_500
const KILL_AFTER_MS = 300
/** A tab that is about to take over has mostly been open for a while, and has prepared for it. */
const OPEN_FOR_MS = 3_000

/** How the leading tab dies. */
const DEATHS: { readonly [subject: string]: (leader: BenchTab) => Promise<unknown> } = {
  'nobody dies': async () => undefined,
  'the tab is closed': (leader) => leader.close(),
  'its worker ends without a word': async (leader) => {
    const [worker] = leader.page.workers()
    if (!worker) throw new Error('The leading tab has no worker.')
    // The evaluation may end with the worker, before it is answered.
    await worker.evaluate(() => self.close()).catch(() => undefined)
  },
}

/** Another tab takes over while it calls: the call that was made at the moment of death waits longest. */
export const handOver: Scenario = {
  name: 'hand-over',
  async run(bench) {
    const session = await bench.server()
    const rounds = createRounds()
    const kills = bench.quick ? 3 : Math.max(bench.rounds * 4, 20)
    for (const [subject, kill] of Object.entries(DEATHS)) {
      const profile = await bench.profile()
      const longest: number[] = []
      for (let round = 0; round < kills; round++) {
        const leader = await profile.open()
        await leader.call.callsFor('dust', session, 20)
        const follower = await profile.open()
        await follower.call.callsFor('dust', session, 20)
        await new Promise((resolve) => setTimeout(resolve, OPEN_FOR_MS))
        const calling = follower.call.callsFor('dust', session, CALLS_FOR_MS)
        await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS))
        await kill(leader)
        longest.push(Math.max(...(await calling)))
        if (!leader.page.isClosed()) await leader.close()
        await follower.call.close()
        await follower.close()
      }
      rounds.add(subject, {
        p50: percentile(longest, 0.5),
        p95: percentile(longest, 0.95),
        longest: Math.max(...longest),
      })
    }
    return {
      name: 'hand-over',
      title: 'The leading tab dies: the longest wait of another tab’s calls',
      notes: [
        `Two tabs over 10,000 entries; the one that follows, for some seconds, writes every 5 ms, and the one that leads is ended. Of each of ${kills} hand-overs the longest wait counts, that of the call made at the moment of death; the percentiles are over the hand-overs.`,
      ],
      columns: [
        { name: 'p50', unit: 'ms' },
        { name: 'p95', unit: 'ms' },
        { name: 'longest', unit: 'ms' },
      ],
      reference: 'nobody dies',
      rows: rounds.rows(),
    }
  },
}

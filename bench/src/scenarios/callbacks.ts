import type { BenchTab } from '../browser/pages.js'
import type { PeerName } from '../page/peers/peer.js'
import { percentile } from '../stats.js'
import type { Numbers } from './page-scenario.js'
import { createRounds, type Rounds } from './rounds.js'
import type { Bench, Scenario } from './scenario.js'

/**
 * Two pages play ping-pong: one puts, the other's callback puts the answer at once. Half of a round trip is the way
 * from a put to the callback elsewhere, without comparing the clocks of two processes.
 */
async function pingPong(
  bench: Bench,
  here: BenchTab,
  there: BenchTab,
  peers: readonly PeerName[],
): Promise<Rounds> {
  const session = await bench.server()
  const rounds = createRounds()
  const base = `pingpong/${Math.random().toString(36).slice(2)}`
  for (const peer of peers) await there.call.answer(peer, session, `${base}/ping`, `${base}/pong`)
  for (let round = 0; round <= bench.rounds; round++) {
    for (const peer of peers) {
      const count = bench.quick || round === 0 ? 20 : 80
      const trips = await here.call.roundTrips(peer, session, `${base}/ping`, `${base}/pong`, count)
      if (round > 0) rounds.add(peer, halves(trips))
    }
  }
  return rounds
}

function halves(trips: readonly number[]): Numbers {
  return { p50: percentile(trips, 0.5) / 2, p99: percentile(trips, 0.99) / 2 }
}

const COLUMNS = [
  { name: 'p50', unit: 'ms' },
  { name: 'p99', unit: 'ms' },
] as const

export const callbackOtherTab: Scenario = {
  name: 'callback-other-tab',
  async run(bench) {
    const profile = await bench.profile()
    const here = await profile.open()
    const there = await profile.open()
    const rounds = await pingPong(bench, here, there, ['dust', 'dexie'])
    for (const tab of [here, there]) {
      await tab.call.close()
      await tab.close()
    }
    return {
      name: 'callback-other-tab',
      title: 'From a write to the callback in another tab',
      notes: [
        'Half of a round trip between two tabs of one browser, a leader and a follower. Dexie: `liveQuery`.',
      ],
      columns: COLUMNS,
      reference: 'dust',
      rows: rounds.rows(),
    }
  },
}

export const callbackOtherBrowser: Scenario = {
  name: 'callback-other-browser',
  async run(bench) {
    const profile = await bench.profile()
    const otherProfile = await bench.emptyProfile()
    const here = await profile.open()
    const there = await otherProfile.open()
    const rounds = await pingPong(bench, here, there, ['dust'])
    await here.call.close()
    await here.close()
    await otherProfile.close()
    return {
      name: 'callback-other-browser',
      title: 'From a write to the callback in another browser, through the server',
      notes: [
        'Half of a round trip between two browsers with profiles of their own, by way of a server on the same machine: durable in one browser, durable on the server, then told to the other. No peer here has a server.',
      ],
      columns: COLUMNS,
      reference: 'dust',
      rows: rounds.rows(),
    }
  },
}

import { type DustAddress, startDustServer } from '../server/process.js'
import { firstSync, inDirectory } from './bootstrap.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const RETURN = 'missed ops, as events'
const FIRST = 'the same ops as a first sync, not compacted'

/** Coming back to a store in which others have written meanwhile. */
export const reconnect: Scenario = {
  name: 'reconnect',
  async run(bench) {
    const missed = bench.quick ? 1_000 : 10_000
    const column = `${missed.toLocaleString('en')} ops`
    const rounds = createRounds()
    const server = await startDustServer()
    try {
      for (let round = 0; round < bench.rounds; round++) {
        const address: DustAddress = { ...server.ready, store: `dev/reconnect-${round}` }
        const sync = (ops: number) =>
          inDirectory((directory) => firstSync({ ...address, directory, missed: ops }))
        const back = await sync(missed)
        const first = await sync(0)
        if (back.entries !== missed || first.entries !== missed) throw new Error('A copy is incomplete.')
        rounds.add(RETURN, { [column]: back.ms })
        rounds.add(FIRST, { [column]: first.ms })
      }
    } finally {
      await server.close()
    }
    return {
      name: 'reconnect',
      title: 'Reconnecting with ops missed, in Node',
      notes: ['From connecting until live, into a file (SQLite WAL, synchronous FULL).'],
      columns: [{ name: column, unit: 'ms' }],
      reference: RETURN,
      rows: rounds.rows(),
    }
  },
}

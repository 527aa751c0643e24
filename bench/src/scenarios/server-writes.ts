import type { LoadPlan, LoadResult } from '../server/load.js'
import { type DustAddress, runToEnd, startDustServer, startReady } from '../server/process.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const script = (name: string): string => new URL(`../server/${name}.js`, import.meta.url).pathname

const CELLS = [1, 16, 64].flatMap((writers) => [1, 100].map((subscribers) => ({ writers, subscribers })))
const nameOf = ({ writers, subscribers }: (typeof CELLS)[number]) => `${writers}w ${subscribers}s`

export const DUST = 'Dust server'
export const BARE_WS = 'bare ws broadcast'
export const BARE_INSERTS = 'bare insert loop, 1 a commit'

export const serverWrites: Scenario = {
  name: 'server-writes',
  async run(bench) {
    const duration = bench.quick ? 500 : 1_200
    const dust = await startDustServer()
    const bare = await startReady<DustAddress>(script('bare-ws'), [])
    const rounds = createRounds()

    const load = async (
      address: DustAddress,
      cell: (typeof CELLS)[number],
      store: string,
    ): Promise<number> => {
      const { url, token } = address
      const plan: LoadPlan = { url, token, store, ...cell, duration }
      const { writes, seconds } = await runToEnd<LoadResult>(script('load'), [JSON.stringify(plan)])
      return writes / seconds
    }
    const inserts = (perCommit: number, what: 'log' | 'store') =>
      runToEnd<number>(script('bare-inserts'), [String(perCommit), String(duration / 3), what])

    try {
      for (let round = 0; round <= Math.min(bench.rounds, 3); round++) {
        for (const cell of CELLS) {
          const column = nameOf(cell)
          bench.log(`  round ${round}: ${column}`)
          const writes = await load(dust.ready, cell, `dev/load-${round}-${column.replace(' ', '-')}`)
          const frames = await load(bare.ready, cell, 'dev/load')
          const single = await inserts(1, 'log')
          const grouped = await inserts(cell.writers, 'log')
          const complete = await inserts(cell.writers, 'store')
          // The first round warms both servers up.
          if (round === 0) continue
          rounds.add(DUST, { [column]: writes })
          rounds.add(BARE_WS, { [column]: frames })
          rounds.add(BARE_INSERTS, { [column]: single })
          rounds.add('bare insert loop, an op of each writer a commit', { [column]: grouped })
          rounds.add('the same with entry and receipt', { [column]: complete })
        }
      }
    } finally {
      await dust.close()
      await bare.close()
    }
    return {
      name: 'server-writes',
      title: 'Durable writes a second on one store of the server',
      notes: [
        '“16w 100s”: 16 writers with one op underway each, and 100 further connections that receive every event; writers receive them, too. Writes divided by the time until all replies and all events have arrived. The load generator is a process of its own and shares two cores with the server, for Dust and for the bare broadcast alike; the insert loop has a core to itself.',
        'All SQLite: WAL, synchronous FULL. The bare broadcast sends frames of the same size to the same connections, and neither parses nor stores.',
      ],
      columns: CELLS.map((cell) => ({ name: nameOf(cell), unit: '/s' as const })),
      reference: DUST,
      rows: rounds.rows(),
    }
  },
}

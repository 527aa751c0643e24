import type { Shape, Taker } from '../page/ingest/ingest-worker.js'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const TAKERS: readonly Taker[] = ['replica', 'raw sqlite-wasm']
const COLUMNS = [10_000, 100_000].flatMap((count) =>
  (['events', 'snapshot'] as const).map((shape: Shape) => ({
    count,
    shape,
    name: `${count.toLocaleString('en')} ${shape}`,
  })),
)

export const ingestWorker: Scenario = {
  name: 'ingest-worker',
  async run(bench) {
    const profile = await bench.emptyProfile()
    const tab = await profile.open()
    const rounds = createRounds()
    for (let round = 0; round <= Math.min(bench.rounds, 3); round++) {
      for (const { count, shape, name } of COLUMNS) {
        if (count > 10_000 && (bench.quick || round === 0)) continue
        for (const taker of TAKERS) {
          const elapsed = await tab.call.ingest(taker, shape, count)
          if (round > 0 || bench.quick) rounds.add(taker, { [name]: elapsed })
        }
      }
    }
    await profile.close()
    return {
      name: 'ingest-worker',
      title: 'Bulk ingest in the worker',
      notes: [
        'Both in one worker, on sqlite-wasm with opfs-sahpool, WAL, synchronous FULL, into an empty database. “events”: ops of the server’s log, 1,000 a transaction, which is what the sync client does. “snapshot”: all entries in one transaction. Raw: a prepared insert of the same rows into a table of the same shape with the same transactions, and nothing else: no deletes below the path, no change events, no cursor.',
      ],
      columns: COLUMNS.filter(({ count }) => !bench.quick || count === 10_000).map(({ name }) => ({
        name,
        unit: 'ms',
      })),
      reference: 'replica',
      rows: rounds.rows(),
    }
  },
}

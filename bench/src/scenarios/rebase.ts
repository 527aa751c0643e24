import { parsePath, type StoreEventPayload } from '@dustlayer/protocol'
import { openReplica, type Replica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { createRounds } from './rounds.js'
import type { Scenario } from './scenario.js'

const PENDING = [1, 100, 10_000]
const ELSEWHERE = 'an event and a read elsewhere'
const BENEATH = 'an event and a read at a pending path'
const WRITE = 'a write'

/** What the server's events and own writes cost while many writes are pending. */
export const rebase: Scenario = {
  name: 'rebase',
  async run(bench) {
    const times = bench.quick ? 300 : 2_000
    const rounds = createRounds()
    for (let round = 0; round <= bench.rounds; round++) {
      for (const pending of PENDING) {
        const replica = openWithPending(pending)
        const foreign = createForeignWriter(replica)
        const measured = {
          [ELSEWHERE]: perSecond(times, (index) => foreign(`data/${index % 100}`, index)),
          [BENEATH]: perSecond(times, (index) => foreign('mine/0', index)),
          [WRITE]: perSecond(times, (index) => write(replica, `own/${index}`, `own-${index}`)),
        }
        replica.close()
        // The first round warms up.
        if (round > 0) rounds.add(subject(pending), measured)
      }
    }
    return {
      name: 'rebase',
      title: 'Rebasing: the cost of events and writes while writes are pending',
      notes: [
        'One replica on better-sqlite3 in memory, in this process. The pending writes are puts at as many paths, none of them where the first column’s events are. A cost that grew with the outbox would show as a ratio far below 1.',
      ],
      columns: [ELSEWHERE, BENEATH, WRITE].map((name) => ({ name, unit: '/s' as const })),
      reference: subject(1),
      rows: rounds.rows(),
    }
  },
}

const subject = (pending: number): string => `${pending.toLocaleString('en')} pending`

function openWithPending(count: number): Replica {
  const replica = openReplica({
    driver: openBetterSqlite(),
    store: 'bench/rebase',
    deviceId: 'bench',
    now: () => 0,
  })
  replica.transaction(() => {
    for (let index = 0; index < count; index++) write(replica, `mine/${index}`, `mine-${index}`)
  })
  return replica
}

function write(replica: Replica, path: string, opId: string): void {
  replica.write({ op: 'set', path, value: opId, opId })
}

/** Applies the next event of another client and reads what it concerns. */
function createForeignWriter(replica: Replica): (path: string, value: number) => void {
  let seq = 0
  return (path, value) => {
    seq += 1
    const event: StoreEventPayload = {
      store_seq: seq,
      op: 'set',
      path,
      path_segments: [...parsePath(path)],
      value,
      device_id: 'other',
      client_op_id: `other-${seq}`,
    }
    replica.sync.applyEvents([event], { catchUp: false })
    replica.get(path)
  }
}

function perSecond(times: number, body: (index: number) => void): number {
  const start = performance.now()
  for (let index = 0; index < times; index++) body(index)
  return (times * 1_000) / (performance.now() - start)
}

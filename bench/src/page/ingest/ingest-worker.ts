import { createWasmDriver } from '@dustlayer/client/testing'
import type { StoreEventPayload } from '@dustlayer/protocol'
import { openReplica, type SnapshotEntry, type SqliteDriver } from '@dustlayer/replica'
import type { Database } from '@sqlite.org/sqlite-wasm'
import { expose } from 'comlink'
import { entryOf } from '../../dataset.js'
import { openPool, PRAGMAS } from '../peers/sqlite-pool.js'

/** Who takes the rows: the replica, or a prepared insert into a table of the same shape. */
export type Taker = 'replica' | 'raw sqlite-wasm'
/** `events`: ops of the server's log, 1,000 a transaction. `snapshot`: all entries in one transaction. */
export type Shape = 'events' | 'snapshot'

/** As many as the sync client applies in one transaction. */
const EVENTS_A_TRANSACTION = 1_000
const FILE = '/ingest.db'

// A call that arrives before the pool is open waits for it; `expose` must not.
const opening = openPool('bench-ingest')

/** Milliseconds that an empty database takes for `count` new entries. Data is made, and files opened, before. */
async function ingest(taker: Taker, shape: Shape, count: number): Promise<number> {
  const { sqlite3, pool } = await opening
  pool.unlink(FILE)
  const db = new pool.OpfsSAHPoolDb(FILE)
  db.exec(PRAGMAS)
  return taker === 'replica'
    ? throughReplica(createWasmDriver(sqlite3, db), shape, count)
    : throughInsert(db, shape, count)
}

function throughReplica(driver: SqliteDriver, shape: Shape, count: number): number {
  const replica = openReplica({ driver, store: 'dev/main', deviceId: 'dev_bench', now: Date.now })
  const events = shape === 'events' ? makeEvents(count) : []
  const entries = shape === 'snapshot' ? makeEntries(count) : []
  const start = performance.now()
  if (shape === 'snapshot') replica.sync.applySnapshot(count, entries)
  for (let from = 0; from < events.length; from += EVENTS_A_TRANSACTION) {
    replica.sync.applyEvents(events.slice(from, from + EVENTS_A_TRANSACTION), { catchUp: true })
  }
  const elapsed = performance.now() - start
  const [[rows] = []] = driver.all('select count(*) from entries')
  replica.close()
  if (rows !== count) throw new Error(`The replica has ${rows} entries instead of ${count}.`)
  return elapsed
}

function throughInsert(db: Database, shape: Shape, count: number): number {
  db.exec(
    'create table entries (path text primary key, value text not null, type text not null, seq integer not null, synced_at integer) without rowid',
  )
  const insert = db.prepare('insert into entries values (?, ?, ?, ?, ?)')
  const entries = makeEntries(count)
  const perTransaction = shape === 'snapshot' ? count : EVENTS_A_TRANSACTION
  const now = Date.now()
  const start = performance.now()
  for (let from = 0; from < count; from += perTransaction) {
    db.exec('begin immediate')
    const to = Math.min(from + perTransaction, count)
    for (let index = from; index < to; index++) {
      const { path, value, type, seq } = entries[index] as SnapshotEntry & { seq: number }
      insert.bind([path, JSON.stringify(value), type, seq, now]).stepReset()
    }
    db.exec('commit')
  }
  const elapsed = performance.now() - start
  insert.finalize()
  db.close()
  return elapsed
}

function makeEntries(count: number): SnapshotEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const [path, value] = entryOf('ingest', index)
    return { path, value, type: 'string' as const, seq: index + 1 }
  })
}

function makeEvents(count: number): StoreEventPayload[] {
  return makeEntries(count).map(({ path, value }, index) => ({
    store_seq: index + 1,
    op: 'set' as const,
    path,
    path_segments: path.split('/'),
    value,
    device_id: 'dev_other',
    client_op_id: `op-${index}`,
  }))
}

export type IngestWorker = { ingest: typeof ingest }
expose({ ingest } satisfies IngestWorker)

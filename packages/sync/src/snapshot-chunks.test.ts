import type { FramePayload } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, STORE, type World } from './testing/world.js'

const TOPIC = `store:${STORE}`
const EXTENSIONS = ['snapshot_chunks', 'incarnation'] as const

/** A server with so many entries in a snapshot and one op after it. */
function compacted(entries: number): World {
  const world = createWorld({ extensions: EXTENSIONS })
  for (let n = 1; n <= entries; n += 1) foreign(world, `k${String(n).padStart(4, '0')}`, n)
  world.server.compact()
  foreign(world, 'tail', 1)
  world.server.pageSize = 10
  return world
}

function foreign(world: World, path: string, value: number): void {
  world.server.foreign({ op: 'set', path, value, opId: `x${path}_${value}` })
}

/** The payloads of the joins that the server got, over all connections. */
function joins(world: World): FramePayload[] {
  return world.network.peers
    .flatMap(({ received }) => received)
    .filter(([, , , event]) => event === 'phx_join')
    .map(([, , , , payload]) => payload)
}

test('a join says what the client can do, and what it has', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  world.settle()
  expect(joins(world)[0]).toEqual({
    last_store_seq: 0,
    extensions: [
      'batch',
      'snapshot_chunks',
      'incarnation',
      'digest',
      'ordered_writes',
      'event_batches',
      'reauth',
    ],
    incarnation: null,
  })
  world.client.reconnect()
  world.settle()
  expect(joins(world)[1]).toMatchObject({ last_store_seq: 0, incarnation: 'inc_1' })
  expect(world.sync.status()).toMatchObject({ extensions: EXTENSIONS, incarnation: 'inc_1' })
})

test('a server that knows no extensions is none the worse for being asked', () => {
  const world = createWorld()
  world.put('a', 1)
  world.settle()
  expect(world.sync.status()).toMatchObject({ state: 'live', extensions: [], incarnation: null })
})

test('a snapshot in chunks brings each entry with its own revision', () => {
  const world = compacted(25)
  world.settle()
  expect(world.differences()).toEqual([])
  expect(world.replica.entry('k0007')).toMatchObject({ value: 7, revision: 7 })
})

test('chunks change nothing before the last one; then vanished entries go, and unchanged ones say nothing', () => {
  const world = compacted(25)
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  world.server.foreign({ op: 'delete', path: 'k0003', value: null, opId: 'd1' })
  foreign(world, 'k0004', 44)
  world.server.compact()
  const told: string[][] = []
  world.replica.onEvents((events) => told.push(events.map(({ op, path }) => `${op} ${path}`)))
  world.network.unreachable = false
  world.settle()
  expect(told.map((flush) => flush.sort())).toEqual([['delete k0003', 'set k0004']])
  expect(world.differences()).toEqual([])
})

test('a snapshot goes on where a broken connection left it', () => {
  const world = compacted(50)
  world.server.chunksUntilCut = 3
  world.settle()
  expect(joins(world)[1]).toMatchObject({
    last_store_seq: 0,
    incarnation: 'inc_1',
    snapshot: { seq: 50, after: 'k0030' },
  })
  expect(world.differences()).toEqual([])
})

test('a snapshot goes on after the process died', () => {
  const world = compacted(50)
  world.server.chunksUntilCut = 2
  world.time.until(() => world.replica.sync.staging()?.after === 'k0020')
  world.restart()
  world.settle()
  expect(joins(world).at(-1)).toMatchObject({ snapshot: { seq: 50, after: 'k0020' } })
  expect(world.differences()).toEqual([])
})

test('a snapshot that the server has no more is begun anew', () => {
  const world = compacted(50)
  world.server.chunksUntilCut = 3
  world.time.until(() => world.server.chunksUntilCut > 50)
  world.server.foreign({ op: 'delete', path: 'k0001', value: null, opId: 'd1' })
  world.server.compact()
  world.settle()
  expect(world.differences()).toEqual([])
})

test('a chunk that does not continue the one before is reported, and the snapshot begun anew', () => {
  const world = compacted(30)
  world.server.withholdComplete = true
  world.server.chunksUntilCut = 2
  world.time.until(() => world.server.chunksUntilCut > 50)
  world.time.until(() => world.sync.status().state === 'catching-up')
  world.network
    .peer()
    .send([
      '1',
      null,
      TOPIC,
      'snapshot_chunk',
      { snapshot_seq: 30, entries: [], from: 'k0009', after: 'k0009', last: true },
    ])
  world.server.withholdComplete = false
  world.settle()
  expect(world.differences()).toEqual([])
})

test('pending writes stay visible over chunks, and are sent afterwards', () => {
  const world = compacted(30)
  world.put('k0005', 'mine')
  world.server.withholdComplete = true
  world.time.advance(100)
  expect(world.replica.get('k0005')).toBe('mine')
  expect(world.replica.pending().count).toBe(1)
  world.server.withholdComplete = false
  world.settle()
  expect(world.server.model.read('k0005')).toBe('mine')
})

test('a snapshot that comes to a live store, as a slow one may get it, moves it on', () => {
  const world = compacted(20)
  world.settle()
  world.server.holdBroadcasts = true
  world.put('mine', 1)
  foreign(world, 'k0002', 22)
  world.time.advance(20)
  const entries = world.server.model
    .entries()
    .map(({ path, value, type, seq }) => ({ path, value, type, seq }))
  const after = entries.at(-1)?.path ?? null
  const payload = { snapshot_seq: world.server.model.head, entries, from: null, after, last: true }
  world.network.peer().send(['1', null, TOPIC, 'snapshot_chunk', payload])
  world.settle(500)
  expect(world.differences()).toEqual([])
  expect(world.network.peers).toHaveLength(1)
})

test('events come in batches where that was agreed on', () => {
  const world = createWorld({ extensions: ['event_batches'] })
  for (let n = 1; n <= 1_234; n += 1) foreign(world, `k${n}`, n)
  world.settle()
  expect(world.differences()).toEqual([])
})

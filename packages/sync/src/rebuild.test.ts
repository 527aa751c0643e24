import { expect, test } from 'vitest'
import { createWorld, type World, type WorldOptions } from './testing/world.js'

function foreign(world: World, path: string, value: number): void {
  world.server.foreign({ op: 'set', path, value, opId: `x_${path}_${value}` })
}

/** The cursors of the joins that the server got. */
function cursors(world: World): unknown[] {
  return world.network.peers
    .flatMap(({ received }) => received)
    .filter(([, , , event]) => event === 'phx_join')
    .map(([, , , , payload]) => payload.last_store_seq)
}

const SERVERS: [string, WorldOptions][] = [
  ['a reference server', { dedup: false }],
  ['a server with incarnations', { extensions: ['incarnation'] }],
  [
    'a server with all extensions',
    {
      extensions: ['batch', 'snapshot_chunks', 'incarnation', 'digest', 'ordered_writes', 'event_batches'],
    },
  ],
]

test.each(SERVERS)('%s that was restored: the copy becomes its, pending writes stay', (_, options) => {
  const world = createWorld(options)
  for (const n of [1, 2, 3, 4]) foreign(world, `k${n}`, n)
  world.put('mine', 'early')
  world.settle()
  world.network.unreachable = true
  world.server.restore(2)
  world.time.advance(10)
  world.put('pending', 1)
  foreign(world, 'k1', 11)
  world.network.unreachable = false
  world.settle()
  expect(world.differences()).toEqual([])
  expect([world.replica.get('k3'), world.replica.get('pending')]).toEqual([undefined, 1])
  expect(world.server.data.log.filter(({ opId }) => opId === 'op_2')).toHaveLength(1)
  expect(world.sync.status()).toMatchObject({ state: 'live', lastResync: { reason: expect.any(String) } })
  expect(world.problems.map(({ code }) => code)).toContain('resync')
})

test.each(SERVERS)(
  '%s that was restored: readers keep what they have until the new copy is complete',
  (_, options) => {
    const world = createWorld(options)
    for (const n of [1, 2, 3]) foreign(world, `k${n}`, n)
    world.settle()
    world.server.restore(2)
    world.server.withholdComplete = true
    world.time.advance(20_000)
    expect(world.sync.status().state).toBe('catching-up')
    expect([1, 2, 3].map((n) => world.replica.get(`k${n}`))).toEqual([1, 2, 3])
    const told: string[] = []
    world.replica.onEvents((events) => told.push(...events.map(({ op, path }) => `${op} ${path}`)))
    world.server.withholdComplete = false
    world.settle()
    expect(told).toEqual(['delete k3'])
  },
)

test.each(SERVERS)('%s that has lost an op which it had accepted gets it again', (_, options) => {
  const world = createWorld(options)
  foreign(world, 'k', 1)
  world.settle()
  world.server.holdBroadcasts = true
  world.put('mine', 1)
  world.time.advance(20)
  expect(world.replica.verdict('op_1')).toMatchObject({ state: 'committed' })
  world.server.restore(1)
  world.server.holdBroadcasts = false
  world.settle()
  expect(world.server.model.read('mine')).toBe(1)
  expect(world.differences()).toEqual([])
})

test('a restored server with the head where the copy is, is told by its incarnation', () => {
  const world = createWorld({ extensions: ['incarnation'] })
  for (const n of [1, 2]) foreign(world, `k${n}`, n)
  world.settle()
  world.network.unreachable = true
  world.server.restore(1)
  world.time.advance(10)
  foreign(world, 'other', 1)
  world.network.unreachable = false
  world.settle()
  expect(world.differences()).toEqual([])
  expect(world.sync.status().incarnation).toBe('inc_2')
})

test('an empty restored server empties the copy', () => {
  const world = createWorld()
  foreign(world, 'k', 1)
  world.settle()
  world.server.restore(0)
  world.time.until(() => world.sync.status().lastStoreSeq === 0)
  world.settle()
  expect(world.replica.get('k')).toBeUndefined()
})

test('a rebuild that is broken off goes on, also in another process, from the new history', () => {
  const world = createWorld({ extensions: ['incarnation', 'snapshot_chunks'] })
  for (let n = 10; n < 60; n += 1) foreign(world, `k${n}`, n)
  world.settle()
  world.server.restore(45)
  world.server.compact()
  world.server.pageSize = 10
  world.server.chunksUntilCut = 2
  world.time.until(() => world.replica.sync.staging()?.after === 'k29')
  world.restart()
  world.settle()
  const last = world.network.peer().received[0]?.[4]
  expect(last).toMatchObject({ last_store_seq: 0, incarnation: 'inc_2', snapshot: { seq: 45, after: 'k29' } })
  expect(world.differences()).toEqual([])
  expect(world.sync.status().incarnation).toBe('inc_2')
})

test('a server that says again and again that it is another is asked ever more rarely', () => {
  const world = createWorld({ extensions: ['incarnation'] })
  world.settle()
  let joins = 0
  for (let minute = 0; minute < 60; minute += 1) {
    world.server.data.restore(0, true)
    world.network.cut()
    world.time.advance(60_000)
    joins = world.problems.filter(({ code }) => code === 'resync').length
  }
  expect(joins).toBeGreaterThan(3)
  expect(joins).toBeLessThan(15)
  world.settle(3_600_000)
  expect(world.sync.status().state).toBe('live')
})

test('a copy can be built anew on demand', () => {
  const world = createWorld()
  for (const n of [1, 2]) foreign(world, `k${n}`, n)
  world.settle()
  world.put('mine', 1)
  world.sync.resync('somebody asked for it')
  expect(world.sync.status().state).toBe('catching-up')
  world.settle()
  expect(cursors(world)).toEqual([0, 0])
  expect(world.sync.status().lastResync).toMatchObject({ reason: 'somebody asked for it' })
  expect(world.server.effects).toEqual(['op_1'])
  expect(world.differences()).toEqual([])
})

test('an own op that was committed and not acknowledged is found in a rebuild, and not sent again', () => {
  const world = createWorld({ dedup: false })
  world.settle()
  world.write({ op: 'increment', path: 'n', value: 1 })
  world.network.cut(() => true)
  world.sync.resync('somebody asked for it')
  world.settle()
  expect(world.server.model.read('n')).toBe(1)
  expect(world.replica.get('n')).toBe(1)
})

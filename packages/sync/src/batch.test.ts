import { expect, test } from 'vitest'
import { createWorld, type World } from './testing/world.js'

const EXTENSIONS = ['batch', 'ordered_writes', 'incarnation'] as const

/** The messages with ops that reached the server: what kind, and how many ops. */
function pushes(world: World): [event: string, ops: number][] {
  return world.network.peers
    .flatMap(({ received }) => received)
    .filter(([, , , event]) => event === 'write' || event === 'batch')
    .map(([, , , event, { ops }]) => [event, Array.isArray(ops) ? ops.length : 1])
}

test('a batch is one message, and its ops take neighbouring places', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  world.settle()
  world.put('before', 1)
  world.batch({ a: 1, b: 2, c: 3 })
  world.put('after', 1)
  world.settle()
  expect(pushes(world)).toEqual([
    ['write', 1],
    ['batch', 3],
    ['write', 1],
  ])
  expect(world.server.effects).toEqual(world.issued)
  expect(world.replica.verdict('op_3')).toMatchObject({ state: 'committed', revision: 3 })
})

test('a batch that is refused has no effect, and each op says why', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  world.server.foreign({ op: 'set', path: 'k', value: 'theirs', opId: 'x1' })
  world.settle()
  world.server.foreign({ op: 'set', path: 'k', value: 'newer', opId: 'x2' }, { hidden: true })
  world.replica.writeBatch({
    id: 'batch_1',
    separate: false,
    ops: [
      { op: 'set', path: 'a', value: 1, opId: 'b1' },
      { op: 'set', path: 'k', value: 'mine', opId: 'b2', ifMatch: 1 },
    ],
  })
  world.sync.outboxChanged()
  world.put('behind', 1)
  world.settle()
  expect(world.replica.verdict('b1')).toMatchObject({ state: 'rejected', error: { code: 'batch_rejected' } })
  expect(world.replica.verdict('b2')).toMatchObject({ state: 'rejected', error: { code: 'conflict' } })
  expect([world.replica.get('a'), world.replica.get('k'), world.replica.get('behind')]).toEqual([
    undefined,
    'newer',
    1,
  ])
})

test('a server without batches: the batch is undone, unless its ops may go one by one', () => {
  const world = createWorld()
  world.settle()
  const [refused] = world.batch({ a: 1, b: 2 })
  world.batch({ c: 3, d: 4 }, { separate: true })
  world.settle()
  expect(world.replica.verdict(refused ?? '')).toMatchObject({
    state: 'rejected',
    error: { name: 'BatchUnsupportedError', code: 'batch_unsupported' },
  })
  expect(pushes(world)).toEqual([
    ['write', 1],
    ['write', 1],
  ])
  expect(world.server.model.entries().map(({ path }) => path)).toEqual(['c', 'd'])
})

test('a batch whose answer was lost takes effect once', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  world.settle()
  world.batch({ a: 1, b: 2 })
  world.network.cut(() => true)
  world.settle()
  expect(world.server.effects).toEqual(['op_1', 'op_2'])
})

test('a batch whose echo a snapshot has swallowed is recognised by its id', () => {
  const world = createWorld({ extensions: [...EXTENSIONS, 'snapshot_chunks'] })
  world.settle()
  world.server.withholdAnswers = true
  world.server.holdBroadcasts = true
  world.batch({ a: 1, b: 2 })
  world.time.advance(10)
  world.server.withholdAnswers = false
  world.server.compact()
  world.client.reconnect()
  world.settle()
  expect(world.server.effects).toEqual(['op_1', 'op_2'])
  expect(pushes(world)).toEqual([
    ['batch', 2],
    ['batch', 2],
  ])
})

test('a batch larger than the window goes by itself', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  world.settle()
  world.put('before', 1)
  world.batch(Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n])))
  world.put('after', 1)
  world.settle()
  expect(pushes(world)).toEqual([
    ['write', 1],
    ['batch', 300],
    ['write', 1],
  ])
  expect(world.server.effects).toEqual(world.issued)
})

test('a batch that crashes the channel twice is quarantined whole', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  world.settle()
  world.server.poison.add('batch_of_op_1')
  world.batch({ a: 1, b: 2 })
  world.put('behind', 1)
  world.settle()
  for (const opId of ['op_1', 'op_2'])
    expect(world.replica.verdict(opId)).toMatchObject({ state: 'rejected', error: { code: 'quarantined' } })
  expect(world.server.effects).toEqual(['op_3'])
})

test('I21 with ordered writes a rate limit in the middle changes nothing in the order', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  world.settle()
  world.server.quota = 3
  for (const path of ['a', 'b', 'c', 'd', 'e', 'f']) world.put(path, 1)
  world.batch({ g: 1, h: 2 })
  world.put('i', 1)
  world.time.advance(5)
  // The limit ends while the answers to what it turned away are under way.
  world.server.quota = Number.POSITIVE_INFINITY
  world.settle()
  expect(world.server.effects).toEqual(world.issued)
})

import type { FramePayload } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, OTHER_STORE, STORE, type World } from './testing/world.js'

const TOPIC = `store:${STORE}`

function event(seq: number, value: number, path = 'k'): FramePayload {
  return {
    store_seq: seq,
    op: 'set',
    path,
    path_segments: [path],
    value,
    device_id: 'dev_other',
    client_op_id: `op_x${seq}`,
  }
}

/** A world whose server says nothing by itself after the join. */
function joined(): World {
  const world = createWorld()
  world.server.withholdComplete = true
  world.time.advance(10)
  return world
}

function send(world: World, name: string, payload: FramePayload, joinRef: string | null = '1'): void {
  world.network.peer().send([joinRef, null, TOPIC, name, payload])
}

test('C21 a live event that overtakes catch-up is applied in its place', () => {
  const world = joined()
  send(world, 'event', event(2, 12), null)
  send(world, 'event', event(1, 10))
  send(world, 'catch_up_complete', { through_seq: 1 })
  world.time.advance(10)
  expect(world.replica.entry('k')).toMatchObject({ value: 12, revision: 2 })
  expect(world.sync.status()).toMatchObject({ state: 'live', lastStoreSeq: 2 })
})

test('C22 an event that comes twice is applied and told once', () => {
  const world = joined()
  let told = 0
  world.replica.onEvents((events) => {
    told += events.length
  })
  for (const joinRef of ['1', null]) send(world, 'event', event(1, 10), joinRef)
  world.time.advance(10)
  send(world, 'event', event(1, 10), null)
  world.time.advance(10)
  expect(told).toBe(1)
})

test('C24 a long catch-up goes into bounded transactions, marked as such until its end', () => {
  const world = createWorld()
  for (let value = 1; value <= 5_000; value += 1) {
    world.server.foreign({ op: 'set', path: `k${value}`, value, opId: `x${value}` })
  }
  const flushes: { readonly size: number; readonly catchUp: boolean }[] = []
  world.replica.onEvents((events) => {
    flushes.push({ size: events.length, catchUp: events.every(({ catchUp }) => catchUp) })
    expect(world.sync.status().state).not.toBe('live')
  })
  world.time.until(() => world.sync.status().state === 'live')
  expect(flushes.reduce((sum, { size }) => sum + size, 0)).toBe(5_000)
  expect(Math.max(...flushes.map(({ size }) => size))).toBeLessThanOrEqual(1_000)
  expect(flushes.length).toBeLessThan(20)
  expect(flushes.every(({ catchUp }) => catchUp)).toBe(true)
})

test('events that arrive together are one flush', () => {
  const world = createWorld()
  world.settle()
  const flushes: number[] = []
  world.replica.onEvents((events) => flushes.push(events.length))
  for (let seq = 1; seq <= 50; seq += 1) send(world, 'event', event(seq, seq), null)
  world.time.advance(10)
  expect(flushes).toEqual([50])
})

test.each([
  ['C17 wrapped', { value: { _scalar: 7 }, type: 'integer' }],
  ['C18 plain', { value: 7, type: 'integer' }],
])('%s values of a snapshot read the same', (_, entry) => {
  const world = joined()
  send(world, 'snapshot', { snapshot_seq: 5, entries: { k: entry } })
  send(world, 'event', event(6, 1, 'tail'))
  send(world, 'catch_up_complete', { through_seq: 6 })
  world.time.advance(10)
  expect(world.replica.entry('k')).toMatchObject({ value: 7, type: 'integer', revision: 5 })
  expect(world.sync.status()).toMatchObject({ state: 'live', lastStoreSeq: 6 })
})

test('C19 what a snapshot lacks is removed, and subscribers are told', () => {
  const world = joined()
  send(world, 'event', event(1, 1, 'gone'))
  const deleted: string[] = []
  world.replica.onEvents((events) => {
    for (const { op, path } of events) if (op === 'delete') deleted.push(path)
  })
  send(world, 'snapshot', { snapshot_seq: 5, entries: {} })
  world.time.advance(10)
  expect(world.replica.get('gone')).toBeUndefined()
  expect(deleted).toEqual(['gone'])
})

test('C20 a pending write stays visible over a snapshot', () => {
  const world = joined()
  world.put('y', 'mine')
  send(world, 'snapshot', { snapshot_seq: 5, entries: { y: { value: 'older', type: 'string' } } })
  world.time.advance(10)
  expect(world.replica.get('y')).toBe('mine')
  expect(world.replica.pending().count).toBe(1)
})

test('a snapshot from before the cursor is ignored', () => {
  const world = joined()
  for (const seq of [1, 2]) send(world, 'event', event(seq, seq))
  world.time.advance(10)
  send(world, 'snapshot', { snapshot_seq: 2, entries: {} })
  world.time.advance(10)
  expect(world.replica.get('k')).toBe(2)
})

test('an op of a newer server is passed over and reported once', () => {
  const world = createWorld()
  world.settle()
  for (const seq of [1, 2]) send(world, 'event', { ...event(seq, 1), op: 'teleport' }, null)
  send(world, 'event', event(3, 3), null)
  world.time.advance(10)
  expect(world.replica.get('k')).toBe(3)
  expect(world.sync.status()).toMatchObject({ state: 'live', lastStoreSeq: 3 })
  expect(world.problems.map(({ code }) => code)).toEqual(['unknown_op'])
})

test.each([
  ['no seq', { ...event(2, 2), store_seq: null }],
  ['no path', { ...event(2, 2), path: 7, path_segments: null }],
  ['no op', { ...event(2, 2), op: null }],
  ['an empty key', { ...event(2, 2), value: { '': 1 } }],
])('a malformed event (%s) is reported and never skipped; other stores go on', (_, malformed) => {
  const world = createWorld()
  const other = world.client.attach(OTHER_STORE, createWorld().replica.sync)
  world.settle()
  send(world, 'event', event(1, 1), null)
  send(world, 'event', malformed, null)
  send(world, 'event', event(3, 3), null)
  world.time.advance(100)
  expect(world.problems).toHaveLength(1)
  expect(world.sync.status().state).toBe('catching-up')
  expect(world.sync.status().lastStoreSeq).toBeLessThan(2)
  expect(world.sync.status().error).not.toBeNull()
  expect(other.status().state).toBe('live')
  expect(world.network.peers).toHaveLength(1)
  const before = world.network.peer().received.length
  world.time.advance(900)
  expect(world.network.peer().received).toHaveLength(before)
})

test('a failing replica is reported, and tried again until it works', () => {
  const world = createWorld()
  world.settle()
  const { applyEvents } = world.replica.sync
  world.replica.sync.applyEvents = () => {
    throw new Error('disk full')
  }
  send(world, 'event', event(1, 1), null)
  world.time.advance(20_000)
  expect(world.problems.length).toBeGreaterThan(0)
  expect(world.problems.length).toBeLessThan(8)
  expect(world.problems[0]).toMatchObject({ code: 'storage_failed' })
  world.replica.sync.applyEvents = applyEvents
})

test('a catch-up that ends too early is not taken for complete', () => {
  const world = joined()
  send(world, 'event', event(1, 1))
  send(world, 'catch_up_complete', { through_seq: 3 })
  world.time.advance(100)
  expect(world.sync.status()).toMatchObject({
    state: 'catching-up',
    lastStoreSeq: 1,
    error: { code: 'bad_frame' },
  })
})

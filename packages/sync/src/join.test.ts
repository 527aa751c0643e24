import type { Frame, Ref } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, OTHER_STORE, STORE, type World } from './testing/world.js'

const TOPIC = `store:${STORE}`

/** The joins that the server got, over all connections: their join_ref and cursor. */
function joins(world: World): { readonly joinRef: Ref; readonly cursor: unknown }[] {
  return world.network.peers
    .flatMap(({ received }) => received)
    .filter(([, , , event]) => event === 'phx_join')
    .map(([joinRef, , , , payload]) => ({ joinRef, cursor: payload.last_store_seq }))
}

function foreign(world: World, value: number, options?: { readonly hidden?: boolean }): void {
  world.server.foreign({ op: 'set', path: 'shared', value, opId: `foreign_${value}` }, options)
}

test('B19 phx_error: joins again with the current cursor and a new join_ref, and sends what had no answer', () => {
  const world = createWorld()
  world.settle()
  foreign(world, 1)
  world.settle()
  world.put('a', 1)
  // The write reaches the server's process together with its end.
  world.server.crash()
  world.settle()
  expect(joins(world)).toEqual([
    { joinRef: '1', cursor: 0 },
    { joinRef: expect.not.stringMatching(/^1$/), cursor: 1 },
  ])
  expect(world.server.effects).toEqual(['op_1'])
  expect(world.network.peers).toHaveLength(1)
})

test('B20 phx_close with null refs: one join, and a refusal ends it', () => {
  const world = createWorld()
  world.settle()
  world.server.refuseJoin = { reason: 'unauthorized' }
  world.network.peer().send([null, null, TOPIC, 'phx_close', {}])
  world.time.advance(600_000)
  expect(joins(world)).toHaveLength(2)
  expect(world.sync.status()).toMatchObject({
    state: 'refused',
    error: { name: 'AuthorizationError', code: 'unauthorized' },
  })
})

test('phx_close of the current join leads to a new one; that of an earlier join to nothing', () => {
  const world = createWorld()
  world.settle()
  world.network.peer().send(['1', '1', TOPIC, 'phx_close', {}])
  world.time.advance(1_000)
  world.settle()
  const { length } = joins(world)
  expect(length).toBe(2)
  world.network.peer().send(['1', '1', TOPIC, 'phx_close', {}])
  world.network.peer().send(['1', '1', TOPIC, 'phx_error', {}])
  world.time.advance(60_000)
  expect(joins(world)).toHaveLength(length)
})

test.each([
  ['unauthorized', 'needs-auth'],
  ['store_not_allowed', 'needs-auth'],
  ['missing_scope', 'needs-auth'],
  ['store_archived', 'store-archived'],
])(
  'a join refused with %s is not repeated, keeps the outbox (%s), and is tried with a new token',
  (reason, heldBy) => {
    const world = createWorld()
    world.server.refuseJoin = { reason, message: 'no' }
    world.put('a', 1)
    world.time.advance(600_000)
    expect(joins(world)).toHaveLength(1)
    expect(world.sync.status()).toMatchObject({ state: 'refused', heldBy, error: { code: reason } })
    expect(world.replica.pending().count).toBe(1)
    world.server.refuseJoin = null
    world.client.reconnect()
    world.settle()
    expect(world.sync.status()).toMatchObject({ state: 'live', heldBy: null, error: null })
    expect(world.server.effects).toEqual(['op_1'])
  },
)

test('any other refusal is tried again with growing waits', () => {
  const world = createWorld()
  world.server.refuseJoin = { reason: 'join crashed' }
  world.time.advance(60_000)
  expect(joins(world).length).toBeGreaterThan(5)
  expect(joins(world).length).toBeLessThan(20)
  expect(world.sync.status()).toMatchObject({ state: 'catching-up', error: { code: 'join crashed' } })
  world.server.refuseJoin = null
  world.settle()
})

test('a join that is told to wait waits', () => {
  const world = createWorld()
  world.server.refuseJoin = { reason: 'rate_limited', retry_after_ms: 30_000 }
  world.time.advance(29_000)
  expect(joins(world)).toHaveLength(1)
})

test('a join without an answer is made again', () => {
  const world = createWorld()
  const { frame } = world.server.handlers
  let deaf = true
  world.server.handlers.frame = (peer, message) => {
    if (!deaf || message[3] !== 'phx_join') frame?.(peer, message)
  }
  world.time.advance(11_000)
  deaf = false
  world.settle()
  expect(joins(world).length).toBeGreaterThan(1)
})

test('C23 after 8 and 10 without 9 the cursor is 8', () => {
  const world = createWorld()
  world.settle()
  for (let value = 1; value <= 8; value += 1) foreign(world, value)
  foreign(world, 9, { hidden: true })
  foreign(world, 10)
  world.time.advance(500)
  expect(world.sync.status().lastStoreSeq).toBe(8)
  world.network.cut()
  world.time.advance(1)
  world.settle()
  expect(joins(world).map(({ cursor }) => cursor)).toEqual([0, 8])
})

test('an event that does not come is asked for by joining again', () => {
  const world = createWorld()
  world.settle()
  foreign(world, 1, { hidden: true })
  foreign(world, 2)
  world.settle(3_000)
  expect(joins(world).map(({ cursor }) => cursor)).toEqual([0, 0])
})

test('an own op whose echo does not come is asked for by joining again', () => {
  const world = createWorld()
  world.settle()
  world.server.holdBroadcasts = true
  world.put('a', 1)
  world.time.advance(20)
  expect(world.replica.verdict('op_1')).toMatchObject({ state: 'committed', revision: 1 })
  expect(world.replica.pending().count).toBe(1)
  world.settle(3_000)
  expect(world.server.effects).toEqual(['op_1'])
})

test('C25 without the end of catch-up the status says so, reads work, and it is tried again', () => {
  const world = createWorld()
  foreign(world, 1)
  world.server.withholdComplete = true
  world.put('a', 1)
  world.time.advance(121_000)
  expect(world.sync.status()).toMatchObject({
    state: 'catching-up',
    caughtUpAt: null,
    error: { code: 'unavailable' },
  })
  expect([world.replica.get('shared'), world.replica.get('a')]).toEqual([1, 1])
  expect(world.server.effects).toEqual([])
  world.server.withholdComplete = false
  world.settle()
  expect(world.sync.status()).toMatchObject({ state: 'live', error: null })
})

test('unknown messages are ignored and reported once for each kind', () => {
  const world = createWorld()
  world.settle()
  const odd: Frame[] = [
    [null, null, TOPIC, 'presence', {}],
    [null, null, TOPIC, 'presence', {}],
    [null, null, TOPIC, 'weather', {}],
    [null, null, 'store:other/store', 'event', {}],
    [null, null, 'elsewhere', 'event', {}],
  ]
  for (const frame of odd) world.network.peer().send(frame)
  world.time.advance(10)
  expect(world.problems.map(({ code }) => code)).toEqual(['unknown_event', 'unknown_event'])
  expect(world.sync.status().state).toBe('live')
})

test('detaching leaves the topic', () => {
  const world = createWorld()
  world.client.attach(OTHER_STORE, createWorld().replica.sync)
  world.settle()
  world.sync.detach()
  world.time.advance(10)
  const ofStore = world.network.peer().received.filter(([, , topic]) => topic === TOPIC)
  expect(ofStore.at(-1)?.[3]).toBe('phx_leave')
  expect(world.network.peer().open).toBe(true)
})

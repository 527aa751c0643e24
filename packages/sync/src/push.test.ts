import type { Frame } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, type World } from './testing/world.js'

/** The op ids of the writes that reached the server, in order, each time that they did. */
function sent(world: World): unknown[] {
  return world.network.peers
    .flatMap(({ received }) => received)
    .filter(isWrite)
    .map(([, , , , { client_op_id: opId }]) => opId)
}

function isWrite([, , , event]: Frame): boolean {
  return event === 'write'
}

test('I12 what was written offline is sent in order, each op once', () => {
  const world = createWorld()
  world.online.set(false)
  world.put('k', 1)
  for (let count = 0; count < 3; count += 1) world.write({ op: 'increment', path: 'n', value: 1 })
  world.put('k', 2)
  world.online.set(true)
  world.settle()
  expect(sent(world)).toEqual(world.issued)
  expect([world.server.model.read('k'), world.server.model.read('n')]).toEqual([2, 3])
})

test('I13 I15 an op that was committed before the connection was lost is not sent again', () => {
  const world = createWorld({ dedup: false })
  world.settle()
  world.write({ op: 'increment', path: 'n', value: 1 })
  world.network.cut(() => true)
  world.settle()
  expect(sent(world)).toEqual(['op_1'])
  expect(world.server.model.read('n')).toBe(1)
})

test('I14 one that was not is sent once, after catch-up', () => {
  const world = createWorld({ dedup: false })
  world.settle()
  world.write({ op: 'increment', path: 'n', value: 1 })
  world.network.cut()
  world.server.withholdComplete = true
  world.time.advance(5_000)
  expect(sent(world)).toEqual([])
  world.server.withholdComplete = false
  world.settle()
  expect(sent(world)).toEqual(['op_1'])
  expect(world.server.model.read('n')).toBe(1)
})

test('I16 pending ops survive the process and are sent by the next', () => {
  const world = createWorld()
  world.network.unreachable = true
  for (const path of ['a', 'b', 'c']) world.put(path, path)
  world.restart()
  expect(world.replica.get('b')).toBe('b')
  world.network.unreachable = false
  world.settle()
  expect(sent(world)).toEqual(['op_1', 'op_2', 'op_3'])
})

test('I17 an op that crashes the channel twice is quarantined; the others go on, each once', () => {
  const world = createWorld({ dedup: false })
  world.settle()
  for (const path of ['a', 'b', 'c', 'd']) world.put(path, 1)
  world.server.poison.add('op_2')
  world.settle()
  expect(world.replica.verdict('op_2')).toMatchObject({ state: 'rejected', error: { code: 'quarantined' } })
  expect(world.server.effects).toEqual(['op_1', 'op_3', 'op_4'])
  expect(sent(world).filter((opId) => opId === 'op_2')).toHaveLength(2)
  expect(world.replica.get('b')).toBeUndefined()
})

test('I17 an op that is merely near a crash is not blamed', () => {
  const world = createWorld({ dedup: false })
  world.settle()
  for (const path of ['a', 'b', 'c', 'd', 'e']) world.put(path, 1)
  for (const opId of ['op_2', 'op_4']) world.server.poison.add(opId)
  world.settle()
  expect(world.server.effects).toEqual(['op_1', 'op_3', 'op_5'])
})

test('I17 a message that the server closes the connection for is found in the same way', () => {
  const world = createWorld()
  world.settle()
  const { frame } = world.server.handlers
  world.server.handlers.frame = (peer, message) => {
    if (message[4].client_op_id === 'op_1') peer.close(1009, 'message too big')
    else frame?.(peer, message)
  }
  world.put('big', 1)
  world.put('small', 1)
  world.settle()
  expect(world.replica.verdict('op_1')).toMatchObject({ state: 'rejected', error: { code: 'quarantined' } })
  expect(world.server.effects).toEqual(['op_2'])
})

test('I19 a token without the write scope: nothing is sent, the status says so, a better token lets it go', () => {
  const world = createWorld()
  world.server.permissions = { read: true, write: false }
  world.settle()
  expect(world.sync.status()).toMatchObject({ permissions: { write: false }, heldBy: null, error: null })
  world.put('a', 1)
  world.time.advance(60_000)
  expect(sent(world)).toEqual([])
  expect(world.sync.status()).toMatchObject({
    state: 'live',
    heldBy: 'needs-auth',
    error: { code: 'missing_scope', fields: { scope: 'entries:write' } },
  })
  world.server.permissions = { read: true, write: true }
  world.client.reconnect()
  world.settle()
  expect(world.sync.status()).toMatchObject({ heldBy: null, error: null })
})

test.each([
  ['unauthorized', 'needs-auth'],
  ['store_not_allowed', 'needs-auth'],
  ['missing_scope', 'needs-auth'],
  ['store_archived', 'store-archived'],
])('a write refused with %s stops the sending and loses nothing; the status says %s', (reason, heldBy) => {
  const world = createWorld()
  world.settle()
  const { frame } = world.server.handlers
  let refusing = true
  world.server.handlers.frame = (peer, message) => {
    const [joinRef, ref, topic] = message
    if (refusing && isWrite(message)) {
      peer.send([joinRef, ref, topic, 'phx_reply', { status: 'error', response: { reason } }])
    } else frame?.(peer, message)
  }
  world.put('a', 1)
  world.put('b', 1)
  world.time.advance(60_000)
  expect(sent(world)).toHaveLength(2)
  expect(world.replica.pending().count).toBe(2)
  expect(world.sync.status()).toMatchObject({ state: 'live', heldBy, error: { code: reason } })
  refusing = false
  world.client.reconnect()
  world.settle()
  expect(world.server.effects).toEqual(['op_1', 'op_2'])
})

test('I21 a rate limit is waited for, and order is kept', () => {
  const world = createWorld()
  world.settle()
  world.server.limitedUntil = world.time.now + 30_000
  for (const path of ['a', 'b', 'c']) world.put(path, 1)
  world.time.advance(29_000)
  expect(sent(world)).toHaveLength(3)
  expect(world.sync.status().error).toMatchObject({ code: 'rate_limited' })
  world.settle(2_000)
  expect(world.server.effects).toEqual(['op_1', 'op_2', 'op_3'])
  expect(world.sync.status().error).toBeNull()
})

test('a server that cannot store a write is given it again, in order', () => {
  const world = createWorld()
  world.settle()
  world.server.diskFull = true
  for (const path of ['a', 'b']) world.put(path, 1)
  world.time.advance(30_000)
  expect(world.replica.pending().count).toBe(2)
  expect(world.sync.status()).toMatchObject({ state: 'live', error: { code: 'storage_failed' } })
  world.server.diskFull = false
  world.settle(11_000)
  expect(world.server.effects).toEqual(['op_1', 'op_2'])
  expect(world.sync.status().error).toBeNull()
})

test('a rejected op is undone and does not hold up the ones behind it', () => {
  const world = createWorld()
  world.server.foreign({ op: 'set', path: 'k', value: 1, opId: 'x1' })
  world.settle()
  world.server.foreign({ op: 'set', path: 'k', value: 2, opId: 'x2' }, { hidden: true })
  world.write({ op: 'set', path: 'k', value: 'mine', ifMatch: 1 })
  world.put('other', 1)
  world.time.advance(20)
  expect(world.replica.verdict('op_1')).toMatchObject({ state: 'rejected', error: { code: 'conflict' } })
  world.settle()
  expect(world.replica.get('k')).toBe(2)
  expect(world.server.effects).toEqual(['op_2'])
})

test('an ifMatch on an own pending write waits for its revision and then holds', () => {
  const world = createWorld()
  world.server.foreign({ op: 'set', path: 'k', value: 0, opId: 'x1' })
  world.settle()
  world.put('k', 1)
  world.write({ op: 'set', path: 'k', value: 2, ifMatch: world.replica.entry('k')?.revision ?? -1 })
  world.put('behind', 1)
  world.settle()
  expect(world.server.effects).toEqual(['op_1', 'op_2', 'op_3'])
  expect(world.server.model.read('k')).toBe(2)
})

test('the window bounds what is under way without an answer', () => {
  const world = createWorld()
  world.settle()
  const { frame } = world.server.handlers
  let answering = false
  world.server.handlers.frame = (peer, message) => {
    if (answering || !isWrite(message)) frame?.(peer, message)
  }
  for (let count = 0; count < 500; count += 1) world.put(`k${count}`, count)
  world.time.advance(5_000)
  expect(sent(world)).toHaveLength(100)
  answering = true
  world.client.reconnect()
  world.settle()
  expect(world.server.effects).toEqual(world.issued)
})

test('large values fill the window sooner, the more so before it is known how fast the link is', () => {
  const world = createWorld()
  world.settle()
  const { frame } = world.server.handlers
  world.server.handlers.frame = () => {}
  for (let count = 0; count < 20; count += 1) world.put(`k${count}`, 'x'.repeat(60_000))
  world.time.advance(100)
  expect(sent(world)).toHaveLength(1)
  world.server.handlers.frame = (peer, message) => frame?.(peer, message)
  world.client.reconnect()
  world.settle()
  world.server.handlers.frame = () => {}
  for (let count = 0; count < 20; count += 1) world.put(`l${count}`, 'x'.repeat(60_000))
  const before = sent(world).length
  world.time.advance(100)
  expect(sent(world).length - before).toBe(5)
})

test('I04 without an answer the op stays pending, and is sent again after a new catch-up', () => {
  const world = createWorld()
  world.settle()
  const { frame } = world.server.handlers
  let swallow = 1
  world.server.handlers.frame = (peer, message) => {
    if (isWrite(message) && swallow > 0) swallow -= 1
    else frame?.(peer, message)
  }
  world.put('a', 1)
  world.time.advance(20_000)
  expect(world.replica.pending().count).toBe(1)
  world.settle()
  expect(sent(world)).toEqual(['op_1', 'op_1'])
})

test('I24 a wall clock that jumps changes nothing', () => {
  const world = createWorld()
  world.clock.now = () => (Math.floor(world.time.now / 7) % 2 === 0 ? 0 : world.time.now + 86_400_000)
  world.put('a', 1)
  world.settle()
  world.network.cut()
  world.put('b', 1)
  world.settle()
  expect(world.server.effects).toEqual(['op_1', 'op_2'])
})

test('MessagePack carries the same', () => {
  const world = createWorld({ format: 'msgpack' })
  world.put('a', { time: 1_700_000_000_000, big: 5_000_000_000 })
  world.settle()
  expect(world.network.peer().url).toContain('vsn=3.0.0')
  expect(world.server.model.read('a')).toEqual({ time: 1_700_000_000_000, big: 5_000_000_000 })
})

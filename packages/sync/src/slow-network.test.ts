import { EXTENSIONS } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, type World } from './testing/world.js'

// 2 kB in a second: no deadline may assume that a link is fast.

const HOUR_MS = 3_600_000

function slowWorld(): World {
  return createWorld({ extensions: EXTENSIONS, bytesPerSecond: 2_000, latency: () => 300 })
}

function fill(world: World, entries: number, bytes: number): void {
  for (let i = 0; i < entries; i += 1) {
    const path = `k/${String(i).padStart(4, '0')}`
    world.server.foreign({ op: 'set', path, opId: `f${i}`, value: 'x'.repeat(bytes) })
  }
}

test('2 kB/s: a catch-up of many minutes goes through on one connection', () => {
  const world = slowWorld()
  fill(world, 1_000, 1_000)
  world.server.pageSize = 60
  world.settle(HOUR_MS)
  expect(world.differences()).toEqual([])
  expect(world.network.peers).toHaveLength(1)
})

test('2 kB/s: a snapshot in chunks of half a minute goes through on one connection', () => {
  const world = slowWorld()
  fill(world, 500, 1_000)
  world.server.compact()
  world.server.pageSize = 60
  world.settle(HOUR_MS)
  expect(world.differences()).toEqual([])
  expect(world.network.peers).toHaveLength(1)
})

test('2 kB/s: a page that becomes visible during the catch-up does not cost the connection', () => {
  const world = slowWorld()
  fill(world, 500, 1_000)
  world.server.pageSize = 60
  world.time.advance(90_000)
  for (let sign = 0; sign < 5; sign += 1) {
    world.client.probe()
    world.time.advance(20_000)
  }
  world.settle(HOUR_MS)
  expect(world.network.peers).toHaveLength(1)
})

test('2 kB/s: a large outbox goes out on one connection, each op once', () => {
  const world = slowWorld()
  world.settle(HOUR_MS)
  for (let i = 0; i < 200; i += 1) world.put(`own/${i}`, 'y'.repeat(1_000))
  world.settle(HOUR_MS)
  expect(world.server.effects).toEqual(world.issued)
  expect(world.network.peers).toHaveLength(1)
})

test('2 kB/s: a value of 60 kB goes out, too', () => {
  const world = slowWorld()
  world.settle(HOUR_MS)
  world.put('own/large', 'y'.repeat(60_000))
  world.put('own/small', 1)
  world.settle(HOUR_MS)
  expect(world.server.effects).toEqual(world.issued)
  expect(world.network.peers).toHaveLength(1)
})

test('2 kB/s: a message that takes minutes gets through in the end', () => {
  const world = createWorld({ bytesPerSecond: 2_000, latency: () => 300 })
  fill(world, 300, 1_000)
  world.server.compact()
  world.settle(HOUR_MS)
  expect(world.differences()).toEqual([])
})

test('2 kB/s: a connection that dies during the catch-up is found all the same', () => {
  const world = slowWorld()
  fill(world, 500, 1_000)
  world.server.pageSize = 60
  world.time.advance(100_000)
  world.network.silence()
  world.time.advance(150_000)
  expect(world.network.peers).toHaveLength(2)
  world.settle(HOUR_MS)
})

import { expect, test } from 'vitest'
import { createWorld, type World } from './testing/world.js'

const HOUR_MS = 3_600_000

function verifying(verifyEveryMs = HOUR_MS): World {
  const world = createWorld({ extensions: ['digest', 'incarnation'], verifyEveryMs })
  for (const n of [1, 2, 3]) world.server.foreign({ op: 'set', path: `k${n}`, value: n, opId: `x${n}` })
  return world
}

/** The replica has lost an entry without a trace. */
function corrupt({ replica }: World): void {
  const { sync } = replica
  sync.stageBegin(sync.cursor(), sync.incarnation())
  sync.stageEntries([{ path: 'k1', value: 1, type: 'integer', seq: 1 }], null)
  sync.stageFinish(sync.cursor(), { reset: false })
}

function asked(world: World): number {
  return world.network.peers.flatMap(({ received }) => received).filter(([, , , event]) => event === 'digest')
    .length
}

test('a copy is compared after the first catch-up, and then not before an hour has passed', () => {
  const world = verifying()
  world.settle()
  world.time.advance(100)
  expect(asked(world)).toBe(1)
  world.client.reconnect()
  world.settle()
  world.time.advance(HOUR_MS - 60_000)
  expect(asked(world)).toBe(1)
  world.time.advance(60_000)
  expect(asked(world)).toBe(2)
  expect(world.problems).toEqual([])
})

test('the first comparison waits as long as it is told to, also when the connection is lost meanwhile', () => {
  const world = createWorld({ extensions: ['digest'], verifyAfterMs: 10_000 })
  world.settle()
  world.time.advance(5_000)
  world.client.reconnect()
  world.settle()
  expect(asked(world)).toBe(0)
  world.time.advance(5_100)
  expect(asked(world)).toBe(1)
  world.client.reconnect()
  world.settle()
  world.time.advance(60_000)
  expect(asked(world)).toBe(1)
})

test('a copy that differs heals by itself, and says so', () => {
  const world = verifying()
  world.settle()
  corrupt(world)
  expect(world.differences()).toEqual(['k2', 'k3'])
  world.time.advance(HOUR_MS + 1_000)
  world.settle()
  expect(world.differences()).toEqual([])
  expect(world.problems.map(({ code }) => code)).toEqual(['resync'])
  expect(world.sync.status().lastResync?.reason).toContain('digest')
})

test('a difference that a rebuild does not heal is reported, and does not become a loop', () => {
  const world = verifying(60_000)
  world.server.data.digest = () => '0123456789abcdef'
  world.settle()
  world.time.advance(HOUR_MS)
  const codes = world.problems.map(({ code }) => code)
  expect(codes.slice(0, 2)).toEqual(['resync', 'resync_failed'])
  expect(codes.length).toBeLessThan(20)
  expect(world.sync.status().state).toBe('live')
})

test('verify answers whether the copy is right, heals it, or cannot tell', async () => {
  const world = verifying()
  world.settle()
  const equal = world.sync.verify()
  world.time.advance(10)
  expect(await equal).toBe('equal')
  corrupt(world)
  const healed = world.sync.verify()
  world.time.advance(5_000)
  expect(await healed).toBe('resynced')
  expect(world.differences()).toEqual([])

  const plain = createWorld()
  plain.settle()
  expect(await plain.sync.verify()).toBe('unsupported')
})

test('verify is refused without a connection, when it is lost, and when the sync ends', async () => {
  const world = verifying()
  await expect(world.sync.verify()).rejects.toMatchObject({ code: 'unavailable' })
  world.settle()
  world.time.advance(100)
  const lost = world.sync.verify()
  world.network.cut()
  world.time.advance(10)
  await expect(lost).rejects.toMatchObject({ code: 'unavailable' })
  world.settle()
  const ended = world.sync.verify()
  world.sync.detach()
  await expect(ended).rejects.toMatchObject({ code: expect.stringMatching(/closed|unavailable/) })
  expect(world.clock.pending).toBe(0)
})

test('events that are still missing are no difference', () => {
  const world = verifying()
  world.settle()
  world.time.advance(100)
  world.server.foreign({ op: 'set', path: 'hidden', value: 1, opId: 'h1' }, { hidden: true })
  const asking = world.sync.verify()
  asking.catch(() => {})
  world.settle()
  expect(world.problems).toEqual([])
  expect(world.sync.status().lastResync).toBeNull()
})

import { EXTENSIONS } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, type World } from './testing/world.js'

// A disk that is full of the server's data must not stop what was written here (docs/failure-modes.md A1, A6).

/** Another device writes. */
function foreign(world: World, count: number): void {
  for (let at = 0; at < count; at += 1)
    world.server.foreign({ op: 'set', path: `other/${world.server.model.head}`, value: at, opId: `f_${at}` })
}

const quota = { state: 'catching-up', heldBy: null, error: { code: 'quota_exceeded' } }

for (const [name, options] of Object.entries({
  'a server that recognises what it has': { extensions: EXTENSIONS },
  'the reference server, which does not': { dedup: false },
})) {
  test(`${name}: own writes go out while what it sends does not fit`, () => {
    const world = createWorld(options)
    world.settle()
    world.full = 'events'
    foreign(world, 5)
    world.time.advance(100)
    expect(world.sync.status()).toMatchObject(quota)
    world.put('mine/1', 1)
    world.write({ op: 'increment', path: 'mine/n', value: 1 })
    world.time.advance(1_000)
    expect(world.server.effects).toEqual(world.issued)
    world.time.advance(120_000)
    expect(world.server.effects).toEqual(world.issued)
    world.full = null
    world.settle()
    expect(world.server.effects).toEqual(world.issued)
    expect(world.sync.status()).toMatchObject({ state: 'live', error: null })
    expect(world.differences()).toEqual([])
  })

  test(`${name}: what it has already is not sent again after a catch-up that did not fit`, () => {
    const world = createWorld(options)
    world.settle()
    world.full = 'events'
    world.server.withholdAnswers = true
    world.write({ op: 'increment', path: 'n', value: 1 })
    foreign(world, 3)
    world.time.advance(10)
    world.network.cut()
    world.server.withholdAnswers = false
    world.write({ op: 'increment', path: 'n', value: 1 })
    world.time.advance(60_000)
    expect(world.server.model.read('n')).toBe(2)
    expect(world.server.effects).toEqual(world.issued)
    world.full = null
    world.settle()
    expect(world.replica.get('n')).toBe(2)
    expect(world.differences()).toEqual([])
  })

  test(`${name}: answers that do not fit either are kept until they do`, () => {
    const world = createWorld(options)
    world.settle()
    world.full = 'answers'
    foreign(world, 2)
    for (let at = 0; at < 250; at += 1) world.write({ op: 'increment', path: 'n', value: 1 })
    world.time.advance(90_000)
    world.full = null
    world.settle()
    expect(world.server.model.read('n')).toBe(250)
    expect(world.server.effects).toEqual(world.issued)
  })
}

test('a first snapshot that does not fit does not keep own writes here', () => {
  const world = createWorld({ extensions: EXTENSIONS })
  foreign(world, 50)
  world.server.compact(50)
  world.full = 'events'
  world.put('mine', 1)
  world.time.advance(1_000)
  expect(world.sync.status()).toMatchObject(quota)
  expect(world.server.model.read('mine')).toBe(1)
  world.full = null
  world.settle()
  expect(world.differences()).toEqual([])
})

test('while there is no room, what does not fit is not fetched again and again', () => {
  const world = createWorld()
  world.settle()
  world.full = 'events'
  foreign(world, 5)
  const joins = () =>
    world.network.peers.flatMap(({ received }) => received).filter((f) => f[3] === 'phx_join')
  world.time.advance(600_000)
  expect(joins()).toHaveLength(1)
  expect(world.problems).toHaveLength(1)
})

test('a close while there is no room leaves nothing running', () => {
  const world = createWorld()
  world.settle()
  world.full = 'events'
  foreign(world, 5)
  world.time.advance(100)
  world.client.close()
  expect(world.clock.pending).toBe(0)
})

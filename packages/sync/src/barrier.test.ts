import { expect, test } from 'vitest'
import { createWorld, type World } from './testing/world.js'

/** Lets time pass until the promise has settled, and says how long that took. */
async function settled(world: World, promise: Promise<unknown>, ms = 60_000): Promise<number> {
  const from = world.time.now
  let done = false
  const finish = (): void => {
    done = true
  }
  promise.then(finish, finish)
  while (!done) {
    if (world.time.now - from > ms) throw new Error('It has not settled in time.')
    await world.time.advanceAsync(1)
  }
  return world.time.now - from
}

test('synced waits for the answers to what is pending, and for their echoes', async () => {
  const world = createWorld()
  world.settle()
  world.server.holdBroadcasts = true
  world.put('a', 1)
  const promise = world.sync.synced()
  await world.time.advanceAsync(500)
  expect(world.replica.pending().count).toBe(1)
  world.server.releaseBroadcasts()
  await settled(world, promise)
  expect(world.replica.pending().count).toBe(0)
})

test('synced waits for what others have written, also where the server does not broadcast it', async () => {
  const world = createWorld()
  world.settle()
  world.server.foreign({ op: 'set', path: 'k', value: 1, opId: 'x1' }, { hidden: true })
  const promise = world.sync.synced()
  await settled(world, promise)
  expect(world.replica.get('k')).toBe(1)
})

test('synced does not wait for what is written after the call', async () => {
  const world = createWorld()
  world.settle()
  world.put('a', 1)
  const promise = world.sync.synced()
  await world.time.advanceAsync(1)
  world.server.poison.add('op_2')
  world.put('b', 1)
  await settled(world, promise)
  expect(world.server.effects).toEqual(['op_1'])
})

test('synced waits through an outage, and through a refused op', async () => {
  const world = createWorld()
  world.online.set(false)
  world.network.unreachable = true
  world.write({ op: 'set', path: 'a', value: 1 })
  world.server.foreign({ op: 'set', path: 'k', value: 1, opId: 'x1' })
  let done = false
  const promise = world.sync.synced().then(() => {
    done = true
  })
  await world.time.advanceAsync(120_000)
  expect(done).toBe(false)
  world.network.unreachable = false
  world.online.set(true)
  await settled(world, promise)
  expect(world.server.effects).toEqual(['op_1'])
  expect(world.replica.get('k')).toBe(1)
})

test('synced of a store that is in step takes a round trip', async () => {
  const world = createWorld()
  world.settle()
  expect(await settled(world, Promise.all([world.sync.synced(), world.sync.synced()]))).toBeLessThan(10)
})

test('synced gives up with the signal, and with the sync', async () => {
  const world = createWorld()
  world.network.unreachable = true
  const controller = new AbortController()
  const aborted = world.sync.synced({ signal: controller.signal })
  const ended = world.sync.synced()
  controller.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await expect(world.sync.synced({ signal: controller.signal })).rejects.toThrow('enough')
  world.sync.detach()
  await expect(ended).rejects.toMatchObject({ code: 'closed' })
})

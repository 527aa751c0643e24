import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

async function opened(): Promise<WorldTab> {
  const tab = world.open()
  await world.outcome(tab.dust.get(STORE, 'a'))
  return tab
}

/** Uses a bit of everything that must be given back. */
async function use({ dust }: WorldTab): Promise<void> {
  dust.on(STORE, '**', () => undefined)
  dust.live(STORE, '*', () => undefined)
  dust.onStatus(STORE, () => undefined)
  await world.outcome(dust.put(STORE, 'k', 1))
}

test('a page that opens and closes 1,000 times holds nothing afterwards', async () => {
  for (let i = 0; i < 1_000; i++) {
    const tab = world.open()
    await use(tab)
    await world.outcome(tab.dust.close())
  }
  await world.pass(100)
  expect(await world.resources()).toEqual({ channels: 0, locks: [], timers: 0 })
  expect(world.network.peers.some(({ open }) => open)).toBe(false)
}, 120_000)

test('a tab that comes and goes beside another leaves nothing with it', async () => {
  const stays = await opened()
  const before = await world.resources()
  for (let i = 0; i < 100; i++) {
    const tab = world.open()
    await use(tab)
    if (i % 2 === 0) await world.outcome(tab.dust.close())
    else tab.kill()
  }
  await world.outcome(stays.dust.get(STORE, 'k'))
  await world.pass(20_000)
  const after = await world.resources()
  expect({ ...after, timers: 0 }).toEqual({ ...before, timers: 0 })
}, 120_000)

test('the last tab of an instance that is off the network does not go back to it when it closes', async () => {
  const tab = await opened()
  tab.dust.setOnline(false)
  await world.until(() => world.network.peers.every(({ open }) => !open))
  const { length } = world.network.peers
  await world.outcome(tab.dust.put(STORE, 'k', 1))
  await world.outcome(tab.dust.close())
  await world.pass(10_000)
  expect(world.network.peers).toHaveLength(length)
})

test('writes of an earlier life go out before anybody opens their store', async () => {
  const first = await opened()
  first.dust.setOnline(false)
  await world.outcome(first.dust.put(STORE, 'k', 1))
  await world.outcome(first.dust.close())
  world.open()
  await world.until(() => world.server.model.log.length === 1)
})

test('stores without anything to send are not opened for it', async () => {
  const first = await opened()
  await world.outcome(first.dust.put(STORE, 'k', 1).committed)
  await world.outcome(first.dust.close())
  const joined = world.frames.filter(([, , , event]) => event === 'phx_join').length
  world.open()
  await world.pass(5_000)
  expect(world.frames.filter(([, , , event]) => event === 'phx_join')).toHaveLength(joined)
})

test('a tab that goes while its store is opening is forgotten', async () => {
  const stays = await opened()
  const goes = world.open()
  goes.dust.on('acme/other', '**', () => undefined)
  const read = Promise.allSettled([goes.dust.get('acme/other', 'k')])
  await world.pass(2)
  goes.kill()
  await world.pass(20_000)
  await world.outcome(stays.dust.put('acme/other', 'k', 1))
  void read
  expect(await world.outcome(stays.dust.get('acme/other', 'k'))).toBe(1)
})

test('a tab with thousands of registrations is taken over whole', async () => {
  const leader = await opened()
  const tab = await opened()
  leader.dust.setOnline(false)
  let told = 0
  for (let i = 0; i < 5_000; i++) tab.dust.on(STORE, `k/${i}`, () => told++)
  const writes = await world.outcome(
    Promise.all(Array.from({ length: 2_000 }, (_, i) => tab.dust.put(STORE, `w/${i}`, i))),
  )
  leader.kill()
  await world.until(() => tab.leading)
  await world.outcome(Promise.all(writes.map(({ committed }) => committed)))
  await world.outcome(Promise.all(Array.from({ length: 5_000 }, (_, i) => tab.dust.put(STORE, `k/${i}`, i))))
  await world.until(() => told >= 5_000)
}, 60_000)

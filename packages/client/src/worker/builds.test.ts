import { UpdateNeededError } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

const OLD = { schema: 1 }
const NEW = { schema: 2 }

async function opened(build: object): Promise<WorldTab> {
  const tab = world.open('dev_1', build)
  await world.outcome(tab.dust.get(STORE, 'a'))
  return tab
}

const refused = (tab: WorldTab) => world.until(() => tab.ends[0] instanceof UpdateNeededError)

for (const newer of [NEW, { v: 2 }]) {
  test(`a newer build (${JSON.stringify(newer)}) takes over: older tabs are told, and their unsent writes are kept`, async () => {
    const leader = await opened(OLD)
    const follower = await opened(OLD)
    leader.dust.setOnline(false)
    await world.outcome(leader.dust.put(STORE, 'k/1', 1))
    const inFlight = Promise.allSettled([follower.dust.put(STORE, 'k/2', 2)])
    const tab = world.open('dev_1', newer)
    expect(await world.outcome(tab.dust.get(STORE, 'k/1'))).toBe(1)
    expect(tab.leading).toBe(true)
    await refused(leader)
    await refused(follower)
    const [written] = await world.outcome(inFlight)
    // Durable, or not: never an answer that says the one when it is the other.
    const there = (await world.outcome(tab.dust.get(STORE, 'k/2'))) === 2
    expect(written?.status).toBe(there ? 'fulfilled' : 'rejected')
    for (const old of [leader, follower]) {
      await expect(old.dust.get(STORE, 'k')).rejects.toBeInstanceOf(UpdateNeededError)
      expect((await old.dust.status(STORE)).error).toBeInstanceOf(UpdateNeededError)
      expect(old.ends).toHaveLength(1)
    }
    await world.until(() => world.server.model.log.length > 0)
    expect(world.server.model.log[0]).toMatchObject({ path: 'k/1' })
  })
}

test('an older build that comes after a newer one is refused, and does not disturb it', async () => {
  const tab = await opened(NEW)
  const old = world.open('dev_1', OLD)
  const read = Promise.allSettled([old.dust.get(STORE, 'k')])
  await refused(old)
  expect(await world.outcome(read)).toMatchObject([{ status: 'rejected', reason: { code: 'update_needed' } }])
  await world.pass(10_000)
  expect(tab.leading).toBe(true)
  await world.outcome(tab.dust.put(STORE, 'k', 1))
})

test('an older leader that is frozen is deposed, and refused when it wakes', async () => {
  const leader = await opened(OLD)
  leader.asleep = true
  const tab = world.open('dev_1', NEW)
  const write = tab.dust.put(STORE, 'k', 1)
  await world.pass(5_000)
  leader.asleep = false
  await world.outcome(write)
  await refused(leader)
  expect([leader.leading, tab.leading]).toEqual([false, true])
})

test('older followers do not stand in the way, although they came before', async () => {
  const leader = await opened(OLD)
  const followers = [await opened(OLD), await opened(OLD), await opened(OLD)]
  const tab = await opened(NEW)
  expect(tab.leading).toBe(true)
  for (const old of [leader, ...followers]) await refused(old)
})

test('older tabs whose newer one has gone at once are told all the same, and a reload finds everything', async () => {
  const leader = await opened(OLD)
  const follower = await opened(OLD)
  await world.outcome(leader.dust.put(STORE, 'k', 1))
  const tab = world.open('dev_1', NEW)
  await world.until(() => !leader.leading)
  tab.kill()
  await refused(leader)
  await refused(follower)
  const reloaded = await opened(NEW)
  expect(await world.outcome(reloaded.dust.get(STORE, 'k'))).toBe(1)
})

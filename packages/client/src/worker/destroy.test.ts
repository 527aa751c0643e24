import { ClosedError, DestroyedError } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

async function opened(device?: string): Promise<WorldTab> {
  const tab = world.open(device)
  await world.outcome(tab.dust.get(STORE, 'a'))
  return tab
}

async function expectDestroyed(tab: WorldTab): Promise<void> {
  await world.until(() => tab.ends.length > 0)
  expect(tab.ends).toEqual([expect.any(DestroyedError)])
  await expect(tab.dust.get(STORE, 'k')).rejects.toBeInstanceOf(DestroyedError)
  expect(tab.leading).toBe(false)
}

for (const who of ['leader', 'follower'] as const) {
  test(`the ${who} destroys the instance: nothing is left, and all its tabs know`, async () => {
    const tabs = { leader: await opened(), follower: await opened() }
    const third = await opened()
    const elsewhere = await opened('dev_2')
    await world.outcome(tabs.leader.dust.put(STORE, 'k', 1).committed)
    await world.outcome(elsewhere.dust.synced(STORE))
    tabs.leader.dust.setOnline(false)
    const unsent = Promise.allSettled([tabs.follower.dust.put(STORE, 'unsent', 1).committed])
    await world.outcome(tabs[who].dust.destroy())
    expect(await world.outcome(unsent)).toMatchObject([{ status: 'rejected', reason: { code: 'destroyed' } }])
    for (const tab of [...Object.values(tabs), third]) {
      if (tab !== tabs[who]) await expectDestroyed(tab)
      await world.outcome(tab.dust.close())
    }
    expect(await world.resources()).toMatchObject({ channels: 0, locks: [] })
    // Another browser's data is its own, and this one starts with what the server has.
    expect(await world.outcome(elsewhere.dust.get(STORE, 'k'))).toBe(1)
    const again = await opened()
    await world.outcome(again.dust.synced(STORE))
    expect(await world.outcome(again.dust.get(STORE, 'unsent'))).toBeUndefined()
    expect(await world.outcome(again.dust.get(STORE, 'k'))).toBe(1)
  })
}

test('a leader that is frozen does not prevent it', async () => {
  const leader = await opened()
  const follower = await opened()
  leader.asleep = true
  await world.outcome(follower.dust.destroy(), 30_000)
  leader.asleep = false
  await expectDestroyed(leader)
})

test('a leader whose worker hangs ends when its page has replaced it; nobody takes the lock meanwhile', async () => {
  const leader = await opened()
  const follower = await opened()
  leader.dust.setOnline(false)
  void leader.dust.put(STORE, 'unsent', 1).committed.catch(() => undefined)
  await world.outcome(leader.dust.get(STORE, 'unsent'))
  leader.hung = true
  let destroyed = false
  const destroying = follower.dust.destroy().then(() => {
    destroyed = true
  })
  await world.pass(4_000)
  const late = world.open()
  const read = late.dust.get(STORE, 'unsent')
  await world.pass(4_500)
  expect([destroyed, leader.ends, late.ends, late.leading]).toEqual([false, [], [], false])
  await world.outcome(destroying)
  await world.until(() => leader.ends.length > 0)
  expect(leader.ends).toEqual([expect.any(DestroyedError)])
  expect(await world.outcome(read)).toBeUndefined()
})

test('a tab that opens meanwhile starts with nothing', async () => {
  const leader = await opened()
  leader.dust.setOnline(false)
  await world.outcome(leader.dust.put(STORE, 'k', 1))
  const destroying = leader.dust.destroy()
  const newcomer = world.open()
  const read = Promise.allSettled([newcomer.dust.get(STORE, 'k')])
  await world.outcome(destroying)
  // It may be ended by the same message, if it was there in time.
  const [outcome] = await world.outcome(read)
  expect(outcome).toMatchObject(
    outcome?.status === 'fulfilled' ? { value: undefined } : { reason: { code: 'destroyed' } },
  )
})

test('a closed one is not destroyed, a destroyed one can be closed', async () => {
  const tab = await opened()
  await world.outcome(tab.dust.destroy())
  await world.outcome(tab.dust.close())
  const closed = await opened()
  await world.outcome(closed.dust.close())
  await expect(closed.dust.destroy()).rejects.toBeInstanceOf(ClosedError)
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'
import type { StoreStatus } from './status.js'

// What the status says while leaders come, go and hang (docs/failure-modes.md B13, B14).

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

async function opened(): Promise<WorldTab> {
  const tab = world.open()
  await world.outcome(tab.dust.synced(STORE))
  return tab
}

/** What a tab's listener was told, and when. */
function listen(tab: WorldTab): { readonly at: number; readonly status: StoreStatus }[] {
  const told: { at: number; status: StoreStatus }[] = []
  tab.dust.onStatus(STORE, (status) => told.push({ at: world.now(), status }))
  return told
}

test('a follower whose leader is silent does not say that it is live', async () => {
  const leader = await opened()
  const follower = await opened()
  const told = listen(follower)
  await world.until(() => told.at(-1)?.status.connection === 'live')
  leader.asleep = true
  const begun = world.now()
  await world.until(() => told.at(-1)?.status.connection === 'connecting')
  expect(world.now() - begun).toBeLessThanOrEqual(4_000)
  expect(told.at(-1)?.status.error).not.toBeNull()
  const asked = world.now()
  expect(await world.outcome(follower.dust.status(STORE))).toMatchObject({ connection: 'connecting' })
  expect(world.now() - asked).toBeLessThanOrEqual(500)
  await world.pass(10_000)
  expect(told.at(-1)?.status.connection).toBe('connecting')
  leader.kill()
  await world.until(() => told.at(-1)?.status.connection === 'live')
  expect(told.at(-1)?.status.error).toBeNull()
})

test('a tab by itself stays live for as long as nothing happens', async () => {
  const told = listen(await opened())
  await world.until(() => told.at(-1)?.status.connection === 'live')
  const before = told.length
  await world.pass(20_000)
  expect(told.slice(before).map(({ status }) => status.connection)).toEqual([])
})

test('an outage has begun when it began, also when another tab has taken the lead meanwhile', async () => {
  const leader = await opened()
  const follower = await opened()
  const told = listen(follower)
  world.network.unreachable = true
  world.network.cut()
  await world.until(() => told.at(-1)?.status.connection === 'offline')
  const { since, caughtUpAt } = told.at(-1)?.status ?? {}
  await world.pass(60_000)
  const mark = told.length
  leader.kill()
  await world.until(() => told.slice(mark).some(({ status }) => status.leader))
  await world.pass(30_000)
  expect(told.at(-1)?.status).toMatchObject({ connection: 'offline', since, caughtUpAt })
  expect(caughtUpAt).not.toBeNull()
})

test('what is pending is not forgotten by a tab that a newer build has ended', async () => {
  const tab = await opened()
  tab.dust.setOnline(false)
  await world.outcome(tab.dust.put(STORE, 'k', 1))
  const told = listen(tab)
  await world.until(() => told.at(-1)?.status.pending.count === 1)
  world.open('dev_1', { v: 99 })
  await world.until(() => tab.ends.length > 0)
  expect(told.at(-1)?.status).toMatchObject({ connection: 'offline', pending: { count: 1 } })
})

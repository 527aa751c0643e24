import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

const MINUTE_MS = 60_000

/** Tabs that have used the store; the first leads. All are visible. */
async function tabs<const N extends number>(count: N): Promise<WorldTab[]> {
  const opened: WorldTab[] = []
  for (let i = 0; i < count; i++) {
    const tab = world.open()
    await world.outcome(tab.dust.get(STORE, 'a'))
    opened.push(tab)
  }
  return opened
}

const leading = (opened: readonly WorldTab[]): number[] =>
  opened.flatMap((tab, i) => (tab.leading ? [i] : []))

/** Lets time pass, and says who led, one after the other. */
async function leadersDuring(opened: readonly WorldTab[], ms: number): Promise<number[]> {
  const leaders: number[] = []
  for (let passed = 0; passed < ms; passed += 100) {
    await world.pass(100)
    for (const now of leading(opened)) if (leaders.at(-1) !== now) leaders.push(now)
  }
  return leaders
}

test('a leader that is hidden for long makes way for a tab that is seen; no call is lost or doubled', async () => {
  const opened = await tabs(2)
  const [first] = opened as [WorldTab, WorldTab]
  const writes: Promise<unknown>[] = []
  const count = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      for (const { dust } of opened) writes.push(dust.increment(STORE, 'n'))
      await world.pass(10)
    }
  }
  first.hidden = true
  await world.pass(MINUTE_MS - 200)
  await count(100)
  expect(leading(opened)).toEqual([0])
  await count(300)
  await world.until(() => leading(opened)[0] === 1)
  await world.outcome(Promise.all(writes))
  expect(await world.outcome(first.dust.get(STORE, 'n'))).toBe(writes.length)
  await world.outcome(first.dust.synced(STORE))
  expect(world.server.model.log).toHaveLength(writes.length)
})

test('one that is seen again in between keeps the lead', async () => {
  const opened = await tabs(2)
  const [first] = opened as [WorldTab, WorldTab]
  for (let i = 0; i < 3; i++) {
    first.hidden = true
    await world.pass(MINUTE_MS - 1_000)
    first.hidden = false
    await world.pass(1)
  }
  await world.pass(MINUTE_MS)
  expect(leading(opened)).toEqual([0])
})

test('where all are hidden nobody makes way, until one is seen', async () => {
  const opened = await tabs(3)
  const [, , third] = opened as [WorldTab, WorldTab, WorldTab]
  for (const tab of opened) tab.hidden = true
  expect(await leadersDuring(opened, 5 * MINUTE_MS)).toEqual([0])
  third.hidden = false
  // By way of the second, which waits in front of it and is hidden itself.
  expect(await leadersDuring(opened, 3 * MINUTE_MS)).toEqual([0, 1, 2])
})

test('a tab that is opened later, and seen, gets the lead', async () => {
  const opened = await tabs(1)
  const [first] = opened as [WorldTab]
  first.hidden = true
  await world.pass(3 * MINUTE_MS)
  const late = world.open()
  await world.outcome(late.dust.get(STORE, 'a'))
  await world.pass(MINUTE_MS + 1_000)
  expect([first.leading, late.leading]).toEqual([false, true])
})

test('tabs that are seen and cannot lead do not make the hidden ones change places for ever', async () => {
  const opened = await tabs(3)
  const [first, second, third] = opened as [WorldTab, WorldTab, WorldTab]
  third.hung = true
  // Its page, which would end it, sleeps: that it is visible is what its worker said before.
  third.asleep = true
  first.hidden = true
  second.hidden = true
  expect((await leadersDuring(opened, 10 * MINUTE_MS)).length).toBeLessThanOrEqual(5)
  expect(await world.outcome(first.dust.get(STORE, 'a'))).toBeUndefined()
})

test('a follower rehearses once, a leader never', async () => {
  const opened = await tabs(1)
  await world.pass(10_000)
  expect(world.rehearsals).toBe(0)
  opened.push(...(await tabs(1)))
  await world.pass(10_000)
  expect(world.rehearsals).toBe(1)
})

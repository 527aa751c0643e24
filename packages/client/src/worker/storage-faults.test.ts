import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
let leader: WorldTab
let follower: WorldTab

beforeEach(async () => {
  world = createTabWorld()
  leader = world.open()
  follower = world.open()
  await world.outcome(leader.dust.put(STORE, 'a', 1))
  await world.outcome(follower.dust.get(STORE, 'a'))
})
afterEach(() => world.dispose())

describe.each(['damaged', 'broken', 'evicted', 'unwritten'] as const)('a storage that is %s', (kind) => {
  it('is opened anew, and each call that was under way takes effect once and is answered', async () => {
    leader.stalled = true
    const calls = [leader, follower].flatMap((tab) =>
      Array.from({ length: 5 }, () => tab.dust.increment(STORE, 'n')),
    )
    const reads = [leader, follower].map((tab) => tab.dust.get(STORE, 'a'))
    await world.pass(20)
    leader.breakStorage(kind)
    // The calls that wait in the leader run now, and nobody hears of it.
    leader.stalled = false
    await world.outcome(Promise.all(calls))
    expect(await world.outcome(Promise.all(reads))).toEqual([1, 1])
    expect(await world.outcome(leader.dust.get(STORE, 'n'))).toBe(10)
    expect(await world.outcome(follower.dust.get(STORE, 'n'))).toBe(10)
  })

  it('leaves subscriptions as they are', async () => {
    const seen: unknown[] = []
    follower.dust.live(STORE, 'n', ({ nodes }) => {
      seen.push(nodes[0]?.value)
    })
    await world.outcome(leader.dust.increment(STORE, 'n'))
    await world.until(() => seen.at(-1) === 1)
    leader.breakStorage(kind)
    await world.outcome(leader.dust.increment(STORE, 'n'))
    await world.until(() => seen.at(-1) === 2)
    expect(seen.filter((value) => value !== undefined)).toEqual([1, 2])
  })

  it('again and again is no reason to give up', async () => {
    for (let i = 1; i <= 4; i++) {
      await world.until(() => leader.leading || follower.leading)
      const leading = leader.leading ? leader : follower
      leading.breakStorage(kind)
      await world.outcome(follower.dust.increment(STORE, 'n'))
    }
    expect(await world.outcome(leader.dust.get(STORE, 'n'))).toBe(4)
  })
})

it('a leader whose storage failed keeps leading', async () => {
  leader.breakStorage('damaged')
  await world.until(() => !leader.leading)
  await world.until(() => leader.leading)
  expect(follower.leading).toBe(false)
})

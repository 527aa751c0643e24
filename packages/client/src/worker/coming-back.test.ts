import { DestroyedError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

/** Two tabs, of which the first leads and both have used the store. */
async function twoTabs() {
  const [leader, follower] = [world.open(), world.open()]
  await world.outcome(leader.dust.get(STORE, 'a'))
  await world.outcome(follower.dust.get(STORE, 'a'))
  return { leader, follower }
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

describe('a tab that comes back before it has left', () => {
  for (const turnsBefore of [0, 1, 2, 3, 5, 8, 11]) {
    test(`hears each change once, and goes on hearing them (${turnsBefore} turns into a stream of writes)`, async () => {
      const { leader, follower } = await twoTabs()
      const seen: unknown[] = []
      follower.dust.on(STORE, 'k', ({ value }) => seen.push(value), { mode: 'optimistic' })
      await world.outcome(follower.dust.get(STORE, 'k'))
      let written = 0
      const write = (): void => void leader.dust.put(STORE, 'k', ++written)
      for (let i = 0; i < 5; i++) write()
      await turns(turnsBefore)
      follower.tab.leave()
      follower.tab.enter()
      for (let i = 0; i < 100; i++) {
        write()
        await turns(turnsBefore % 4)
      }
      await world.pass(3_000)
      write()
      await world.until(() => seen.includes(written))
      expect(seen).toHaveLength(new Set(seen).size)
    })
  }

  test('as the leader: leads on or follows, and its subscriptions live', async () => {
    const { leader, follower } = await twoTabs()
    const seen: unknown[] = []
    leader.dust.watch(STORE, 'k', ({ value }) => seen.push(value))
    await world.outcome(leader.dust.get(STORE, 'k'))
    for (let i = 0; i < 5; i++) {
      leader.tab.leave()
      leader.tab.enter()
    }
    await world.outcome(follower.dust.put(STORE, 'k', 1))
    await world.until(() => seen.length > 0)
    await world.pass(3_000)
    await world.outcome(follower.dust.put(STORE, 'k', 2))
    await world.until(() => seen.includes(2))
    expect(seen).toEqual([1, 2])
    expect([leader, follower].filter(({ leading }) => leading)).toHaveLength(1)
  })

  test('as the leader while the store opens: nothing that was registered is lost', async () => {
    for (let turnsBefore = 0; turnsBefore < 20; turnsBefore++) {
      const tab = world.open(`dev_${turnsBefore}`)
      const seen: unknown[] = []
      tab.dust.on(STORE, 'k', ({ value, own }) => own && seen.push(value))
      await turns(turnsBefore)
      tab.tab.leave()
      tab.tab.enter()
      await world.outcome(tab.dust.put(STORE, 'k', turnsBefore))
      await world.until(() => seen.includes(turnsBefore))
      expect(tab.reported).toEqual([])
      await world.outcome(tab.dust.close())
    }
  })

  test('and goes again, is gone: another tab leads and nothing is held', async () => {
    const { leader, follower } = await twoTabs()
    leader.tab.leave()
    leader.tab.enter()
    await world.outcome(leader.tab.leave())
    await world.until(() => follower.leading)
    const { locks } = await world.resources()
    expect(locks.filter((name) => name.startsWith('dust:test:tab:'))).toHaveLength(1)
  })

  test('while the leader is frozen takes the lead in its place', async () => {
    const { leader, follower } = await twoTabs()
    leader.asleep = true
    await world.outcome(follower.tab.leave())
    follower.tab.enter()
    const write = follower.dust.put(STORE, 'k', 1)
    await world.pass(5_000)
    leader.kill()
    await world.outcome(write)
    expect(follower.leading).toBe(true)
  })
})

describe('data that was removed while a tab was away', () => {
  async function expectEnded(tab: WorldTab): Promise<void> {
    await world.until(() => tab.ends.length > 0)
    expect(tab.ends).toEqual([expect.any(DestroyedError)])
    await expect(tab.dust.get(STORE, 'k')).rejects.toBeInstanceOf(DestroyedError)
  }

  for (const again of [false, true]) {
    test(`ends it when it comes back, and nothing comes back with it${again ? ', also when somebody has begun again' : ''}`, async () => {
      const { leader, follower } = await twoTabs()
      await world.outcome(leader.dust.put(STORE, 'k', 1).committed)
      await world.outcome(follower.tab.leave())
      const waiting = Promise.allSettled([follower.dust.put(STORE, 'old', 1)])
      await world.outcome(leader.dust.destroy())
      await world.outcome(leader.dust.close())
      const next = again ? world.open() : undefined
      if (next) await world.outcome(next.dust.synced(STORE))
      const joins = world.frames.length
      follower.tab.enter()
      await expectEnded(follower)
      expect(await world.outcome(waiting)).toMatchObject([{ reason: { code: 'destroyed' } }])
      await world.pass(2_000)
      expect(world.frames.slice(joins).filter(([, , , event]) => event === 'phx_join')).toEqual([])
      expect(await world.outcome((next ?? world.open()).dust.get(STORE, 'old'))).toBeUndefined()
    })
  }

  test('ends it also when its worker is another one by then', async () => {
    const { leader, follower } = await twoTabs()
    await world.outcome(leader.dust.put(STORE, 'k', 1).committed)
    follower.hung = true
    await world.outcome(leader.dust.destroy())
    follower.crash()
    await expectEnded(follower)
  })

  test('a leader that hung meanwhile does not bring it back', async () => {
    const { leader, follower } = await twoTabs()
    await world.outcome(leader.dust.put(STORE, 'k', 1).committed)
    leader.hung = true
    await world.outcome(follower.dust.destroy())
    await expectEnded(leader)
  })

  test('by the browser ends nobody that was there: all go on with the same id', async () => {
    const { leader, follower } = await twoTabs()
    const seen: unknown[] = []
    follower.dust.watch(STORE, 'k', ({ value }) => seen.push(value))
    await world.outcome(follower.dust.get(STORE, 'k'))
    leader.breakStorage('evicted')
    await world.pass(2_000)
    await world.outcome(follower.tab.leave())
    follower.tab.enter()
    await world.outcome(leader.dust.put(STORE, 'k', 1))
    await world.until(() => seen.includes(1))
    expect([...leader.ends, ...follower.ends]).toEqual([])
  })
})

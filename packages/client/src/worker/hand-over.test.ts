import { UnavailableError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { WatchEvent } from '../index.js'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

/** So many tabs, of which the first leads and all have used the store. */
async function tabs<const N extends number>(count: N): Promise<WorldTab[]> {
  const opened: WorldTab[] = []
  for (let i = 0; i < count; i++) {
    const tab = world.open()
    await world.outcome(tab.dust.get(STORE, 'a'))
    opened.push(tab)
  }
  expect(opened.map(({ leading }) => leading)).toEqual(opened.map((_, i) => i === 0))
  return opened
}

async function twoTabs(): Promise<{ leader: WorldTab; follower: WorldTab }> {
  const [leader, follower] = await tabs(2)
  if (!leader || !follower) throw new Error('There should be two tabs.')
  return { leader, follower }
}

/** How long the promise takes, in fake milliseconds. */
async function timed(promise: Promise<unknown>): Promise<number> {
  const begun = world.now()
  await world.outcome(promise, 60_000)
  return world.now() - begun
}

describe('a leader that is frozen', () => {
  test('is deposed; calls wait for its files, and are served as soon as they are free', async () => {
    const { leader, follower } = await twoTabs()
    leader.asleep = true
    const write = follower.dust.increment(STORE, 'n')
    let served = false
    write.then(() => {
      served = true
    })
    expect((await world.outcome(follower.dust.status(STORE))).error).toBeInstanceOf(UnavailableError)
    // First it is silent; then this tab leads, and knows what it waits for.
    await world.pass(2_000)
    expect((await world.outcome(follower.dust.status(STORE))).error?.message).toContain('files')
    expect([served, follower.leading]).toEqual([false, false])
    leader.kill()
    expect(await timed(write)).toBeLessThan(50)
    expect(await world.outcome(follower.dust.get(STORE, 'n'))).toBe(1)
  })

  test('steps down when it wakes, runs nothing, and follows', async () => {
    const { leader, follower } = await twoTabs()
    leader.asleep = true
    const early = leader.dust.increment(STORE, 'n')
    const write = follower.dust.increment(STORE, 'n')
    await world.pass(10_000)
    const before = world.commits
    leader.asleep = false
    await world.until(() => !leader.leading)
    expect(world.commits).toBe(before)
    await world.outcome(Promise.all([write, early]))
    expect([leader.leading, follower.leading]).toEqual([false, true])
    expect(await world.outcome(leader.dust.get(STORE, 'n'))).toBe(2)
    await world.outcome(write.committed)
    await world.outcome(early.committed)
    expect(world.server.model.log).toHaveLength(2)
  })

  test.each(['fails', 'hangs', 'leaks'] as const)(
    'and does not give its files back when it wakes (closing %s), is ended by its page: they are free',
    async (clinging) => {
      const { leader, follower } = await twoTabs()
      leader.clinging = clinging
      leader.asleep = true
      const write = follower.dust.increment(STORE, 'n')
      await world.pass(10_000)
      leader.asleep = false
      await world.outcome(write)
      expect([leader.leading, follower.leading]).toEqual([false, true])
      await world.outcome(leader.dust.increment(STORE, 'n'))
      expect(await world.outcome(follower.dust.get(STORE, 'n'))).toBe(2)
      expect(world.violations).toEqual([])
    },
  )

  test('for less than the deadline keeps its place', async () => {
    const { leader, follower } = await twoTabs()
    leader.asleep = true
    const write = follower.dust.increment(STORE, 'n')
    await world.pass(1_500)
    leader.asleep = false
    await world.outcome(write)
    await world.pass(5_000)
    expect([leader.leading, follower.leading]).toEqual([true, false])
  })

  test('is deposed once, by one of many', async () => {
    const [leader, ...others] = await tabs(6)
    if (!leader) return
    leader.asleep = true
    const writes = others.map(({ dust }) => dust.increment(STORE, 'n'))
    await world.pass(4_000)
    leader.kill()
    await world.outcome(Promise.all(writes))
    await world.pass(5_000)
    expect(others.filter(({ leading }) => leading)).toHaveLength(1)
    expect(await world.outcome(others[0]?.dust.get(STORE, 'n') as Promise<unknown>)).toBe(5)
    // One connection for the old leader, one for the new: nobody led in between.
    expect(world.network.peers).toHaveLength(2)
  })

  test('keeps calls waiting for a bounded time', async () => {
    const { leader, follower } = await twoTabs()
    leader.asleep = true
    const outcome = Promise.allSettled([follower.dust.increment(STORE, 'n')])
    await world.pass(29_000)
    let over = false
    void outcome.then(() => {
      over = true
    })
    await Promise.resolve()
    expect(over).toBe(false)
    await world.pass(10_000)
    expect(await outcome).toMatchObject([{ status: 'rejected', reason: { code: 'unavailable' } }])
    leader.kill()
    await world.outcome(follower.dust.put(STORE, 'k', 1))
  })

  test('and has never been heard of is deposed by a tab that has just opened', async () => {
    const [leader] = await tabs(1)
    if (!leader) return
    leader.asleep = true
    const newcomer = world.open()
    const write = newcomer.dust.put(STORE, 'k', 1)
    await world.pass(4_000)
    leader.asleep = false
    await world.outcome(write)
    expect([leader.leading, newcomer.leading]).toEqual([false, true])
    expect(await world.outcome(leader.dust.get(STORE, 'k'))).toBe(1)
  })

  test('loses no event to a watch, and repeats none', async () => {
    const { leader, follower } = await twoTabs()
    const seen: unknown[] = []
    follower.dust.watch(STORE, '**', ({ path, value }: WatchEvent) => seen.push([path, value]))
    await world.outcome(leader.dust.put(STORE, 'k/1', 1))
    await world.until(() => seen.length === 1)
    leader.asleep = true
    const write = follower.dust.put(STORE, 'k/2', 2)
    await world.pass(5_000)
    leader.asleep = false
    await world.outcome(write)
    await world.outcome(leader.dust.put(STORE, 'k/3', 3))
    await world.until(() => seen.length >= 3)
    expect(seen).toEqual([
      ['k/1', 1],
      ['k/2', 2],
      ['k/3', 3],
    ])
  })
})

describe('a browser that does not answer', () => {
  test('when a leader opens its storage: another tab leads', async () => {
    const [leader, second, third] = (await tabs(3)) as [WorldTab, WorldTab, WorldTab]
    second.stuck = true
    leader.kill()
    expect(await timed(third.dust.increment(STORE, 'n'))).toBeLessThan(25_000)
    expect([second.leading, third.leading]).toEqual([false, true])
    expect(await world.outcome(second.dust.get(STORE, 'n'))).toBe(1)
  })

  test('for a while: the tab can lead as soon as it does, also when another has led meanwhile', async () => {
    const [leader, second, third] = (await tabs(3)) as [WorldTab, WorldTab, WorldTab]
    second.stuck = true
    leader.kill()
    await timed(third.dust.increment(STORE, 'n'))
    third.kill()
    await world.pass(1_000)
    second.stuck = false
    await timed(second.dust.increment(STORE, 'n'))
    expect(await world.outcome(second.dust.get(STORE, 'n'))).toBe(2)
  })

  test('when it is asked which locks are held: leaders lead all the same, and after a sleep', async () => {
    const { leader, follower } = await twoTabs()
    follower.deaf = true
    leader.kill()
    expect(await timed(follower.dust.increment(STORE, 'n'))).toBeLessThan(1_000)
    follower.asleep = true
    await world.pass(2_500)
    follower.asleep = false
    expect(await timed(follower.dust.increment(STORE, 'n'))).toBeLessThan(3_000)
  })
})

describe('a clock that is set back', () => {
  test('while a tab is away: it leads, and is served, when it comes back', async () => {
    const [tab] = (await tabs(1)) as [WorldTab]
    tab.suspend()
    await world.pass(100)
    world.setBack(3_600_000)
    tab.resume()
    expect(await timed(tab.dust.increment(STORE, 'n'))).toBeLessThan(1_000)
  })

  test('between two leaders: the second is followed', async () => {
    const { leader, follower } = await twoTabs()
    const third = world.open()
    world.setBack(3_600_000)
    leader.kill()
    expect(await timed(third.dust.increment(STORE, 'n'))).toBeLessThan(1_000)
    expect(await timed(follower.dust.increment(STORE, 'n'))).toBeLessThan(1_000)
  })
})

describe('a sleep', () => {
  test('of all tabs deposes nobody', async () => {
    const { leader, follower } = await twoTabs()
    leader.asleep = true
    follower.asleep = true
    await world.pass(60_000)
    follower.asleep = false
    await world.pass(1_000)
    leader.asleep = false
    await world.outcome(follower.dust.put(STORE, 'k', 1))
    await world.pass(5_000)
    expect([leader.leading, follower.leading]).toEqual([true, false])
  })

  test('of a follower changes nothing for the others', async () => {
    const { leader, follower } = await twoTabs()
    follower.asleep = true
    await world.outcome(leader.dust.put(STORE, 'k', 1))
    await world.pass(60_000)
    follower.asleep = false
    expect(await world.outcome(follower.dust.get(STORE, 'k'))).toBe(1)
    await world.pass(5_000)
    expect([leader.leading, follower.leading]).toEqual([true, false])
  })
})

describe('the worker of a page', () => {
  test('that fails is started anew: calls, verdicts and subscriptions go on', async () => {
    const [tab] = await tabs(1)
    if (!tab) return
    const seen: unknown[] = []
    tab.dust.watch(STORE, '**', ({ path, value }: WatchEvent) => seen.push([path, value]))
    world.network.unreachable = true
    world.network.cut()
    const first = tab.dust.put(STORE, 'k/1', 1)
    await world.outcome(first)
    await world.until(() => seen.length === 1)
    tab.stalled = true
    const second = tab.dust.increment(STORE, 'n')
    await world.pass(10)
    tab.crash()
    await world.outcome(second)
    world.network.unreachable = false
    await world.outcome(Promise.all([first.committed, second.committed]))
    expect(await world.outcome(tab.dust.get(STORE, 'n'))).toBe(1)
    await world.until(() => seen.length === 2)
    expect(seen).toEqual([
      ['k/1', 1],
      ['n', 1],
    ])
    expect(world.server.model.log).toHaveLength(2)
  })

  test('that has committed a write and dies before it answers does not write twice', async () => {
    const { leader } = await twoTabs()
    const before = world.commits
    leader.frozen = true
    const write = leader.dust.increment(STORE, 'n')
    await world.until(() => world.commits > before)
    leader.crash()
    await world.outcome(write)
    await world.outcome(write.committed)
    expect(await world.outcome(leader.dust.get(STORE, 'n'))).toBe(1)
    expect(world.server.model.log).toHaveLength(1)
  })

  test('that hangs for too long is ended and started anew by its own page', async () => {
    const [tab] = await tabs(1)
    if (!tab) return
    const write = tab.dust.put(STORE, 'k', 1)
    tab.hung = true
    expect(await timed(write)).toBeLessThan(15_000)
    expect(await world.outcome(tab.dust.get(STORE, 'k'))).toBe(1)
  })

  test('that fails again and again is given up: calls say why', async () => {
    const [tab] = await tabs(1)
    if (!tab) return
    tab.stalled = true
    const read = tab.dust.get(STORE, 'k')
    const rejected = expect(read).rejects.toThrow('It crashed')
    for (let i = 0; i < 3; i++) tab.crash()
    await rejected
    await expect(tab.dust.get(STORE, 'k')).rejects.toThrow('It crashed')
  })
})

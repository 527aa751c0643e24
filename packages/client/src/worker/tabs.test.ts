import { ClosedError, ConflictError, ExistsError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DustEvent, WatchEvent } from '../index.js'
import { createTabWorld, STORE, type TabWorld } from '../test-support/tab-world.js'

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
  expect([leader.leading, follower.leading]).toEqual([true, false])
  return { leader, follower }
}

describe('one leader', () => {
  test('I23 a write of one tab is read by the other, over one connection', async () => {
    const { leader, follower } = await twoTabs()
    await world.outcome(leader.dust.put(STORE, 'users/ann', { name: 'Ann' }))
    expect(await world.outcome(follower.dust.get(STORE, 'users/ann'))).toEqual({ name: 'Ann' })
    await world.outcome(follower.dust.increment(STORE, 'n').committed)
    expect(await world.outcome(leader.dust.get(STORE, 'n'))).toBe(1)
    expect(world.network.peers).toHaveLength(1)
  })

  test('the server’s verdict reaches the tab that wrote', async () => {
    const { leader, follower } = await twoTabs()
    const first = follower.dust.put(STORE, 'k', 1, { ifAbsent: true })
    expect(await world.outcome(first.committed)).toEqual({ revision: 1 })
    expect((await world.outcome(first)).opId).toMatch(/^op_.{16}$/)
    const second = leader.dust.put(STORE, 'k', 2, { ifAbsent: true })
    await expect(world.outcome(second.committed)).rejects.toBeInstanceOf(ExistsError)
    await expect(world.outcome(second)).rejects.toBeInstanceOf(ExistsError)
  })

  test('a race that only the server can judge gives its loser a ConflictError, and the value of the winner', async () => {
    const { follower } = await twoTabs()
    await world.outcome(follower.dust.put(STORE, 'k', 'old').committed)
    world.server.holdBroadcasts = true
    world.server.foreign({ op: 'set', path: 'k', value: 'theirs', opId: 'foreign' })
    const mine = follower.dust.put(STORE, 'k', 'mine', { ifMatch: 1 })
    await world.outcome(mine)
    await expect(world.outcome(mine.committed)).rejects.toBeInstanceOf(ConflictError)
    world.server.holdBroadcasts = false
    const arrived: DustEvent[] = []
    follower.dust.on(STORE, 'k', (event) => arrived.push(event))
    await world.outcome(follower.dust.get(STORE, 'k'))
    world.server.releaseBroadcasts()
    await world.until(() => arrived.length > 0)
    expect(await world.outcome(follower.dust.get(STORE, 'k'))).toBe('theirs')
  })

  test('setOnline takes the instance off the network for all tabs, also under the next leader', async () => {
    const { leader, follower } = await twoTabs()
    follower.dust.setOnline(false)
    const write = follower.dust.increment(STORE, 'n')
    await world.outcome(write)
    expect((await world.outcome(leader.dust.status(STORE))).connection).toBe('offline')
    leader.kill()
    await world.until(() => follower.leading)
    expect((await world.outcome(follower.dust.status(STORE))).connection).toBe('offline')
    expect((await world.outcome(follower.dust.status(STORE))).pending.count).toBe(1)
    follower.dust.setOnline(true)
    expect(await world.outcome(write.committed)).toEqual({ revision: 1 })
  })

  test('reconnect, in any tab, makes the connection anew', async () => {
    const { follower } = await twoTabs()
    follower.dust.reconnect()
    await world.until(() => world.network.peers.length === 2)
    expect(await world.outcome(follower.dust.put(STORE, 'k', 1).committed)).toEqual({ revision: 1 })
  })

  test('the calls of one tick are one transaction', async () => {
    const { follower } = await twoTabs()
    const before = world.commits
    await world.outcome(
      Promise.all(Array.from({ length: 100 }, (_, i) => follower.dust.put(STORE, `k/${i}`, i))),
    )
    expect(world.commits - before).toBeLessThanOrEqual(2)
  })

  test('a call that fails leaves the others of its tick alone', async () => {
    const { follower } = await twoTabs()
    await world.outcome(follower.dust.put(STORE, 'k', 1))
    const calls = [
      follower.dust.put(STORE, 'a', 1),
      follower.dust.put(STORE, 'k', 2, { ifAbsent: true }),
      follower.dust.put(STORE, 'b', 2),
      follower.dust.get(STORE, 'a'),
    ]
    const results = await world.outcome(Promise.allSettled(calls))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(results[3]).toMatchObject({ value: 1 })
  })

  test('status says who leads, and is true in both tabs', async () => {
    const { leader, follower } = await twoTabs()
    await world.outcome(leader.dust.put(STORE, 'k', 1).committed)
    const expected = { connection: 'live', lastStoreSeq: 1, pending: { count: 0, oldestAt: null } }
    expect(await world.outcome(leader.dust.status(STORE))).toMatchObject({ ...expected, leader: true })
    expect(await world.outcome(follower.dust.status(STORE))).toMatchObject({ ...expected, leader: false })
  })

  test('onStatus tells every change to every tab', async () => {
    const { follower } = await twoTabs()
    const pending: (number | null)[] = []
    follower.dust.onStatus(STORE, (status) => pending.push(status.pending.count))
    await world.until(() => pending.length > 0)
    await world.outcome(follower.dust.put(STORE, 'k', 1).committed)
    await world.until(() => pending.at(-1) === 0 && pending.includes(1))
  })
})

describe('the leader dies', () => {
  test('calls that it had not run are run by the next, once', async () => {
    const { leader, follower } = await twoTabs()
    leader.stalled = true
    const increments = [follower.dust.increment(STORE, 'n'), follower.dust.increment(STORE, 'n')]
    const read = follower.dust.get(STORE, 'n')
    leader.kill()
    await world.outcome(Promise.all(increments))
    expect(await world.outcome(read)).toBe(2)
    expect(follower.leading).toBe(true)
    await world.outcome(Promise.all(increments.map(({ committed }) => committed)))
    expect(world.server.model.log).toHaveLength(2)
  })

  test('calls that it had committed and not answered take effect once', async () => {
    const { leader, follower } = await twoTabs()
    const before = world.commits
    leader.mute()
    const increment = follower.dust.increment(STORE, 'n')
    await world.until(() => world.commits > before)
    leader.kill()
    await world.outcome(increment)
    expect(await world.outcome(follower.dust.get(STORE, 'n'))).toBe(1)
    await world.outcome(increment.committed)
    expect(world.server.model.log).toHaveLength(1)
  })

  test('verdicts that it still owed are told by the next', async () => {
    const { leader, follower } = await twoTabs()
    world.network.unreachable = true
    world.network.cut()
    const write = follower.dust.put(STORE, 'k', 1)
    await world.outcome(write)
    leader.kill()
    world.network.unreachable = false
    expect(await world.outcome(write.committed)).toEqual({ revision: 1 })
  })

  test('subscriptions and status go on with the next', async () => {
    const { leader, follower } = await twoTabs()
    const third = world.open()
    const seen: string[] = []
    const leaders: boolean[] = []
    follower.dust.on(STORE, 'k/*', (event) => seen.push(event.path))
    third.dust.onStatus(STORE, (status) => leaders.push(status.leader))
    await world.outcome(third.dust.put(STORE, 'k/1', 1))
    leader.kill()
    await world.outcome(third.dust.put(STORE, 'k/2', 1))
    await world.until(() => seen.length === 2)
    expect(seen).toEqual(['k/1', 'k/2'])
    await world.until(() => leaders.length > 0)
  })

  test('a tab that closes hands over as well', async () => {
    const { leader, follower } = await twoTabs()
    const write = leader.dust.put(STORE, 'k', 1)
    const closing = leader.dust.close()
    await world.outcome(write)
    await world.outcome(closing)
    expect(await world.outcome(follower.dust.get(STORE, 'k'))).toBe(1)
    expect(follower.leading).toBe(true)
    await expect(leader.dust.get(STORE, 'k')).rejects.toBeInstanceOf(ClosedError)
  })

  test('a tab in the back/forward cache leads no more, and takes part again when it comes back', async () => {
    const { leader, follower } = await twoTabs()
    const seen: DustEvent[] = []
    leader.dust.on(STORE, '**', (event) => seen.push(event))
    await world.outcome(leader.dust.get(STORE, 'a'))
    await world.outcome(leader.tab.leave())
    await world.outcome(follower.dust.put(STORE, 'k', 1))
    leader.tab.enter()
    expect(await world.outcome(leader.dust.get(STORE, 'k'))).toBe(1)
    await world.outcome(follower.dust.put(STORE, 'k', 2))
    await world.until(() => seen.some(({ value }) => value === 2))
    expect([leader.leading, follower.leading]).toEqual([false, true])
  })
})

describe('a follower goes', () => {
  test('into the back/forward cache, and is served by the same leader when it comes back', async () => {
    const { leader, follower } = await twoTabs()
    const seen: unknown[] = []
    follower.dust.on(STORE, '**', ({ value }) => seen.push(value))
    await world.outcome(follower.dust.get(STORE, 'k'))
    await world.outcome(follower.tab.leave())
    await world.outcome(leader.dust.put(STORE, 'k', 1))
    const meanwhile = follower.dust.get(STORE, 'k')
    follower.tab.enter()
    expect(await world.outcome(meanwhile)).toBe(1)
    await world.outcome(leader.dust.put(STORE, 'k', 2))
    await world.until(() => seen.includes(2))
    expect([leader.leading, follower.leading]).toEqual([true, false])
  })

  test('its subscriptions go with it', async () => {
    const { leader, follower } = await twoTabs()
    follower.dust.on(STORE, '**', () => undefined)
    await world.outcome(follower.dust.get(STORE, 'k'))
    follower.kill()
    await world.outcome(leader.dust.put(STORE, 'k', 1))
    expect(follower.reported).toEqual([])
  })
})

describe('watch', () => {
  test('J04 J05 tells what is there, then what changes, each once, also amid writes of the same tick', async () => {
    const { follower } = await twoTabs()
    const { dust } = follower
    const seen: WatchEvent[] = []
    const writes: Promise<unknown>[] = []
    for (let i = 0; i < 120; i++) writes.push(dust.put(STORE, `k/${1000 + i}`, 'before'))
    dust.watch(STORE, 'k/*', (event) => seen.push(event))
    for (let i = 0; i < 5; i++) writes.push(dust.put(STORE, `k/${2000 + i}`, 'after'))
    await world.outcome(Promise.all(writes))
    await world.until(() => seen.length >= 125)
    expect(seen.slice(0, 120).every(({ type, value }) => type === 'present' && value === 'before')).toBe(true)
    expect(seen.slice(120).every(({ type, value }) => type === 'change' && value === 'after')).toBe(true)
    expect(new Set(seen.map(({ path }) => path)).size).toBe(125)
    expect(seen).toHaveLength(125)
  })

  test('J06 J07 a callback that throws is reported, one that unsubscribes is called no more', async () => {
    const { follower } = await twoTabs()
    const { dust } = follower
    const seen: string[] = []
    const failure = new Error('of the app')
    dust.on(STORE, '**', () => {
      throw failure
    })
    const off = dust.on(STORE, '**', ({ path }) => {
      seen.push(`once ${path}`)
      off()
    })
    dust.on(STORE, '**', ({ path }) => seen.push(path))
    await world.outcome(Promise.all([dust.put(STORE, 'a', 1), dust.put(STORE, 'b', 1)]))
    await world.until(() => seen.length === 3)
    expect(seen).toEqual(['once a', 'a', 'b'])
    expect(follower.reported).toEqual([failure, failure])
  })
})

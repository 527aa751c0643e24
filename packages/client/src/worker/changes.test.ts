import { runInNewContext } from 'node:vm'
import { ResyncRequiredError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DustEvent, LiveResult, WatchEvent } from '../index.js'
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
  expect([leader.leading, follower.leading]).toEqual([true, false])
  return { leader, follower }
}

/** One write for each path, each in a transaction of its own. */
async function putEach({ dust }: WorldTab, paths: readonly string[]): Promise<void> {
  for (const path of paths) await world.outcome(dust.put(STORE, path, path))
}

/** What the tab has asked for before has arrived. */
const registered = ({ dust }: WorldTab): Promise<unknown> => world.outcome(dust.get(STORE, 'a'))

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `k/${1000 + i}`)

/** The leader writes, tells nobody, and dies. */
async function dieUnheard(leader: WorldTab, path: string): Promise<void> {
  leader.mute()
  await world.outcome(leader.dust.put(STORE, path, path))
  leader.kill()
}

/** The leader writes, and dies before it can tell anybody that it has. */
async function dieAtCommit(leader: WorldTab, path: string): Promise<void> {
  leader.muteAtCommit()
  await world.outcome(leader.dust.put(STORE, path, path))
  leader.kill()
}

describe('events', () => {
  test('an ancestor’s op is told to who listens below, with its cause; values come as they went', async () => {
    const { leader, follower } = await twoTabs()
    const seen: DustEvent[] = []
    follower.dust.on(STORE, 'users/*/tags', (event) => seen.push(event))
    await registered(follower)
    await world.outcome(leader.dust.add(STORE, 'users/ann/tags', 'new'))
    await world.outcome(leader.dust.delete(STORE, 'users/ann'))
    await world.until(() => seen.length === 2)
    expect(seen[0]).toMatchObject({ op: 'add', value: 'new', own: true })
    expect(seen[1]).toMatchObject({
      op: 'delete',
      path: 'users/ann/tags',
      value: null,
      cause: { op: 'delete', path: 'users/ann' },
    })
  })

  test('a watch begins with sets as Sets, and corrects what the server made otherwise', async () => {
    const { follower } = await twoTabs()
    await world.outcome(follower.dust.add(STORE, 's', 1).committed)
    const seen: WatchEvent[] = []
    follower.dust.watch(STORE, 's', (event) => seen.push(event))
    await world.until(() => seen.length === 1)
    expect(seen[0]).toMatchObject({ type: 'present', entryType: 'set', value: new Set([1]) })
  })

  test('J06 a callback whose promise is rejected is reported, and called again', async () => {
    const { follower } = await twoTabs()
    const failure = new Error('of the app')
    let calls = 0
    follower.dust.on(STORE, '**', async () => {
      calls += 1
      throw failure
    })
    await putEach(follower, ['a', 'b'])
    await world.until(() => calls === 2)
    expect(follower.reported).toEqual([failure, failure])
  })

  test('J07 off and an aborted signal end what waits, too', async () => {
    const { follower } = await twoTabs()
    const stop = new AbortController()
    const seen: string[] = []
    const release: (() => void)[] = []
    const slow = ({ path }: DustEvent) => {
      seen.push(path)
      return new Promise<void>((resolve) => release.push(resolve))
    }
    const off = follower.dust.on(STORE, '**', slow)
    follower.dust.on(STORE, '**', slow, { signal: stop.signal })
    await putEach(follower, ['a', 'b', 'c'])
    await world.until(() => release.length === 2)
    off()
    stop.abort()
    for (const resolve of release) resolve()
    await registered(follower)
    expect(seen).toEqual(['a', 'a'])
  })

  test('J09 what was missed while offline comes in order, as catch-up', async () => {
    const { follower } = await twoTabs()
    const seen: DustEvent[] = []
    follower.dust.on(STORE, '**', (event) => seen.push(event), { mode: 'committed' })
    await registered(follower)
    follower.dust.setOnline(false)
    await world.until(() => world.network.peers.every(({ open }) => !open))
    for (let i = 1; i <= 3; i++) {
      world.server.foreign({ op: 'set', path: `k/${i}`, value: i, opId: `foreign-${i}` })
    }
    follower.dust.setOnline(true)
    await world.until(() => seen.length === 3)
    expect(seen.map(({ storeSeq, catchUp, own }) => [storeSeq, catchUp, own])).toEqual([
      [1, true, false],
      [2, true, false],
      [3, true, false],
    ])
  })

  test('J11 a release is told as such, and its node goes', async () => {
    const { follower } = await twoTabs()
    const seen: DustEvent[] = []
    let nodes: readonly unknown[] | undefined
    follower.dust.on(STORE, 'locks/*', (event) => seen.push(event))
    follower.dust.live(STORE, 'locks/*', (result) => {
      nodes = result.nodes
    })
    await registered(follower)
    world.server.foreign({
      op: 'lease',
      path: 'locks/a',
      value: null,
      opId: 'lease',
      ttlMs: 1_000,
      holder: 'me',
    })
    await world.until(() => nodes?.length === 1)
    world.server.foreign({ op: 'release', path: 'locks/a', value: null, opId: 'release', token: 1 })
    await world.until(() => nodes?.length === 0)
    expect(seen.map(({ op, value }) => [op, value === null])).toEqual([
      ['lease', false],
      ['release', true],
    ])
  })
})

describe('J08 a slow subscriber', () => {
  test('gets one event at a time, and is told to start over when too many wait; others are not held up', async () => {
    const { leader, follower } = await twoTabs()
    const [slow, fast]: string[][] = [[], []]
    const errors: unknown[] = []
    let goOn = (): void => undefined
    follower.dust.on(
      STORE,
      'k/*',
      ({ path }) => {
        slow?.push(path)
        return new Promise<void>((resolve) => {
          goOn = resolve
        })
      },
      { maxQueueSize: 3, onResync: (error) => errors.push(error) },
    )
    follower.dust.on(STORE, 'k/*', ({ path }) => fast?.push(path))
    await registered(follower)
    const paths = numbered(8)
    await putEach(leader, paths)
    await world.until(() => fast?.length === 8)
    goOn()
    await registered(follower)
    expect(slow).toEqual(paths.slice(0, 1))
    expect(errors).toEqual([expect.any(ResyncRequiredError)])
    expect(follower.reported).toEqual([])
  })

  test('without onResync, its end is reported', async () => {
    const { follower } = await twoTabs()
    follower.dust.on(STORE, '**', () => new Promise(() => undefined), { maxQueueSize: 1 })
    await putEach(follower, ['a', 'b', 'c'])
    await world.until(() => follower.reported.length > 0)
    expect(follower.reported).toEqual([expect.any(ResyncRequiredError)])
  })

  test('a tab that is frozen costs the leader a bounded number of messages', async () => {
    const { leader, follower } = await twoTabs()
    const other = world.open()
    const [frozen, awake]: string[][] = [[], []]
    const errors: unknown[] = []
    let live: LiveResult<unknown> | undefined
    follower.dust.onStatus(STORE, () => undefined)
    follower.dust.live(STORE, 'k/*', (result) => {
      live = result
    })
    follower.dust.on(STORE, 'k/*', ({ path }) => frozen?.push(path), {
      onResync: (error) => errors.push(error),
    })
    other.dust.on(STORE, 'k/*', ({ path }) => awake?.push(path))
    await registered(other)
    await world.until(() => live !== undefined)
    follower.frozen = true
    const paths = numbered(1_500)
    await putEach(leader, paths)
    await world.until(() => awake?.length === paths.length)
    expect(awake).toEqual(paths)
    const waiting = follower.thawing
    // Nodes of the live query within its window, and little else.
    expect(waiting).toBeLessThan(1_400)
    await putEach(leader, numbered(200))
    // What other tabs tell the leader passes by here as well.
    expect(follower.thawing).toBeLessThan(waiting + 20)
    follower.frozen = false
    await world.until(() => live?.nodes.length === paths.length && errors.length > 0)
    expect(errors).toEqual([expect.any(ResyncRequiredError)])
    expect(frozen?.length).toBeLessThanOrEqual(1_000)
  }, 60_000)

  test('a burst in one flush is no slowness', async () => {
    const { follower } = await twoTabs()
    const seen: string[] = []
    const errors: unknown[] = []
    follower.dust.on(STORE, 'k/*', ({ path }) => seen.push(path), {
      maxQueueSize: 10,
      onResync: (error) => errors.push(error),
    })
    const paths = numbered(300)
    await world.outcome(Promise.all(paths.map((path) => follower.dust.put(STORE, path, 1))))
    await world.until(() => seen.length === 300)
    await putEach(follower, ['k/x'])
    await world.until(() => seen.length === 301)
    expect(errors).toEqual([])
  })

  test('thousands of events in a few messages are no slowness, and no more than a few are sent unseen', async () => {
    const { leader, follower } = await twoTabs()
    const [seen, errors]: unknown[][] = [[], []]
    follower.dust.on(STORE, 'k/**', ({ path }) => seen?.push(path), {
      onResync: (error) => errors?.push(error),
    })
    await registered(follower)
    follower.frozen = true
    const bulk = (n: number) =>
      world.outcome(Promise.all(numbered(600).map((path) => leader.dust.put(STORE, `${path}/${n}`, n))))
    for (let n = 0; n < 5; n++) await bulk(n)
    follower.frozen = false
    await world.until(() => seen?.length === 3_000)
    expect(errors).toEqual([])
    follower.frozen = true
    for (let n = 5; n < 45; n++) await bulk(n)
    follower.frozen = false
    await world.until(() => errors?.length === 1)
    expect(seen?.length).toBeLessThan(3_000 + 35 * 600)
  }, 60_000)
})

describe('when the leader changes', () => {
  test('J04 J05 a watch misses nothing that a dying leader did not tell, and hears nothing twice', async () => {
    const { leader, follower } = await twoTabs()
    const seen: WatchEvent[] = []
    await putEach(leader, ['k/1'])
    follower.dust.watch(STORE, '**', (event) => seen.push(event))
    await registered(follower)
    await putEach(leader, ['k/2'])
    await world.until(() => seen.length === 2)
    await dieUnheard(leader, 'k/3')
    await putEach(follower, ['k/4'])
    await world.until(() => seen.length === 4)
    expect(seen.map(({ type, path, value }) => [type, path, value])).toEqual([
      ['present', 'k/1', 'k/1'],
      ['change', 'k/2', 'k/2'],
      ['change', 'k/3', 'k/3'],
      ['change', 'k/4', 'k/4'],
    ])
    expect(seen[2]).toMatchObject({ cause: { op: 'snapshot' }, catchUp: true })
  })

  test('an on with onResync is told that it may have missed something; one without goes on', async () => {
    const { leader, follower } = await twoTabs()
    const [strict, easy]: string[][] = [[], []]
    const errors: unknown[] = []
    const onResync = (error: unknown) => errors.push(error)
    follower.dust.on(STORE, '**', ({ path }) => strict?.push(path), { onResync })
    follower.dust.on(STORE, '**', ({ path }) => easy?.push(path))
    await registered(follower)
    await putEach(leader, ['k/1'])
    await dieUnheard(leader, 'k/2')
    await putEach(follower, ['k/3'])
    await world.until(() => easy?.length === 2 && errors.length === 1)
    expect(strict).toEqual(['k/1'])
    expect(easy).toEqual(['k/1', 'k/3'])
  })

  test('J04 J05 what a leader commits in the moment of its death is told, each once and as what it was', async () => {
    const { leader, follower } = await twoTabs()
    const third = world.open()
    await world.outcome(third.dust.get(STORE, 'a'))
    const heard: unknown[][] = []
    const errors: unknown[] = []
    for (const { dust } of [follower, third]) {
      const events: unknown[] = []
      heard.push(events)
      dust.on(STORE, '**', ({ path, op, cause }) => events.push([path, op, cause]), {
        onResync: (error) => errors.push(error),
      })
      dust.watch(STORE, 'k/**', ({ path, type }) => events.push([path, type]))
      await registered({ ...follower, dust })
    }
    await putEach(leader, ['k/1'])
    await dieAtCommit(leader, 'k/2')
    await world.until(() => follower.leading)
    await dieAtCommit(follower, 'k/3')
    await putEach(third, ['k/4'])
    const paths = ['k/1', 'k/2', 'k/3', 'k/4']
    const all = paths.flatMap((path) => [
      [path, 'set', undefined],
      [path, 'change'],
    ])
    await world.until(() => heard[1]?.length === all.length)
    expect(heard).toEqual([all.slice(0, 6), all])
    expect(errors).toEqual([])
  })

  test('nobody is told anything when nothing was missed', async () => {
    const { leader, follower } = await twoTabs()
    const errors: unknown[] = []
    const watched: unknown[] = []
    const results: LiveResult<unknown>[] = []
    await putEach(leader, ['k/1'])
    const onResync = (error: unknown) => errors.push(error)
    follower.dust.on(STORE, 'elsewhere/*', () => undefined, { onResync })
    follower.dust.watch(STORE, 'k/*', (event) => watched.push(event), { onResync })
    follower.dust.live(STORE, 'k/*', (result) => results.push(result))
    await putEach(leader, ['k/2', 'other'])
    await world.until(() => watched.length === 2 && results.length > 0)
    await world.until(() => results.at(-1)?.nodes.length === 2)
    const told = results.length
    leader.kill()
    await world.until(() => follower.leading)
    await putEach(follower, ['other'])
    expect([watched.length, results.length, errors.length]).toEqual([2, told, 0])
  })

  test('a live query takes over what the dead leader did not tell, and keeps the objects of the rest', async () => {
    const { leader, follower } = await twoTabs()
    const results: LiveResult<unknown>[] = []
    await putEach(leader, ['k/1/a', 'k/2'])
    follower.dust.live(STORE, 'k/*', (result) => results.push(result))
    await world.until(() => results.length === 1)
    await dieUnheard(leader, 'k/1/b')
    await world.until(() => results.length === 2)
    const [before, after] = results
    expect(after?.changed.map(({ path, value }) => [path, value])).toEqual([
      ['k/1', { a: 'k/1/a', b: 'k/1/b' }],
    ])
    expect(after?.nodes[1]).toBe(before?.nodes[1])
    expect(after?.removed).toEqual([])
  })
})

describe('live', () => {
  test('a path is a query of one node, which comes, changes with what is below it, and goes', async () => {
    const { leader, follower } = await twoTabs()
    const values: unknown[] = []
    const off = follower.dust.live(STORE, 'users/ann', ({ nodes }) => values.push(nodes[0]?.value))
    await world.until(() => values.length === 1)
    await world.outcome(leader.dust.put(STORE, 'users/ann/name', 'Ann'))
    await world.until(() => values.length === 2)
    await world.outcome(leader.dust.merge(STORE, 'users/ann', { age: 30 }))
    await world.until(() => values.length >= 3)
    await world.outcome(leader.dust.delete(STORE, 'users').committed)
    await world.until(() => values.at(-1) === undefined)
    expect(values).toContainEqual({ name: 'Ann', age: 30 })
    off()
    const told = values.length
    await world.outcome(leader.dust.put(STORE, 'users/ann/name', 'Ann').committed)
    expect(values).toHaveLength(told)
  })

  test('who asks the same shares one query, and each is told everything first', async () => {
    const { follower } = await twoTabs()
    await putEach(follower, ['k/1', 'k/2'])
    const results: LiveResult<unknown>[][] = [[], []]
    const off = follower.dust.live(STORE, 'k/*', (result) => results[0]?.push(result))
    await world.until(() => results[0]?.length !== 0)
    follower.dust.live(STORE, 'k/*', (result) => results[1]?.push(result), { order: 'desc' })
    await world.until(() => results[1]?.length !== 0)
    off()
    expect(results[1]?.[0]?.nodes.map(({ path }) => path)).toEqual(['k/2', 'k/1'])
    expect(results[1]?.[0]?.changed).toHaveLength(2)
    expect(results[1]?.[0]?.nodes[1]).toBe(results[0]?.at(-1)?.nodes[0])
    await world.outcome(follower.dust.delete(STORE, 'k/1'))
    await world.until(() => results[1]?.at(-1)?.removed[0] === 'k/1')
  })

  test('changes that come while a callback’s promise is open are told as one', async () => {
    const { leader, follower } = await twoTabs()
    const results: LiveResult<unknown>[] = []
    const finish: (() => void)[] = []
    follower.dust.live(STORE, 'k/*', (result) => {
      results.push(result)
      return new Promise<void>((resolve) => finish.push(resolve))
    })
    await world.until(() => finish.length === 1)
    await putEach(leader, ['k/1', 'k/2', 'k/3'])
    await world.outcome(leader.dust.delete(STORE, 'k/2'))
    await world.outcome(follower.dust.get(STORE, 'k'))
    expect(results).toHaveLength(1)
    finish[0]?.()
    await world.until(() => results.length === 2)
    expect(results[1]?.changed.map(({ path }) => path)).toEqual(['k/1', 'k/3'])
    expect(results[1]?.removed).toEqual([])
  })

  test('the promise may be one of another frame', async () => {
    const { leader } = await twoTabs()
    // A realm of its own has its own Promise.
    const ForeignPromise = runInNewContext('Promise') as PromiseConstructor
    const counts: number[] = []
    const finish: (() => void)[] = []
    leader.dust.live(STORE, 'k/*', ({ nodes }) => {
      counts.push(nodes.length)
      return new ForeignPromise<void>((resolve) => finish.push(resolve))
    })
    await world.until(() => counts.length === 1)
    await putEach(leader, ['k/1', 'k/2'])
    await registered(leader)
    expect(counts).toEqual([0])
    finish[0]?.()
    await world.until(() => counts.length === 2)
    expect(counts).toEqual([0, 2])
  })

  test('a refused write is seen to come and to go', async () => {
    const { follower } = await twoTabs()
    await world.outcome(follower.dust.put(STORE, 'k', 'old').committed)
    world.server.holdBroadcasts = true
    world.server.foreign({ op: 'set', path: 'k', value: 'theirs', opId: 'foreign' })
    const values: unknown[] = []
    follower.dust.live(STORE, 'k', ({ nodes }) => values.push(nodes[0]?.value))
    await world.until(() => values.length === 1)
    const mine = follower.dust.put(STORE, 'k', 'mine', { ifMatch: 1 })
    await expect(world.outcome(mine.committed)).rejects.toThrow()
    await world.until(() => values.at(-1) === 'old')
    world.server.holdBroadcasts = false
    world.server.releaseBroadcasts()
    await world.until(() => values.at(-1) === 'theirs')
    expect(values).toEqual(['old', 'mine', 'old', 'theirs'])
  })
})

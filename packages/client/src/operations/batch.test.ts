import {
  BatchError,
  BatchUnsupportedError,
  ConflictError,
  DustError,
  ExistsError,
  OptionError,
} from '@dustlayer/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import type { BatchBuilder } from '../index.js'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
afterEach(() => world.dispose())

async function liveTab(batches: boolean): Promise<WorldTab> {
  world = createTabWorld({ extensions: batches ? ['batch'] : [] })
  const tab = world.open()
  await world.outcome(tab.dust.synced(STORE))
  return tab
}

const order = (b: BatchBuilder): void => {
  b.put('orders/7', { item: 'x', count: 2 })
  b.increment('stats/orders')
  b.add('stats/items', 'x')
}

describe('with a server that has batches', () => {
  test('all apply together, here and there, with a receipt for each', async () => {
    const { dust } = await liveTab(true)
    const before = world.commits
    const batch = dust.batch(STORE, order)
    const receipts = await world.outcome(batch)
    expect(world.commits).toBe(before + 1)
    expect(await world.outcome(dust.get(STORE, 'stats'))).toEqual({ orders: 1, items: new Set(['x']) })
    expect(await world.outcome(batch.committed)).toEqual([{ revision: 1 }, { revision: 2 }, { revision: 3 }])
    expect(await world.outcome(Promise.all(receipts.map(({ committed }) => committed)))).toHaveLength(3)
    expect(world.frames.filter(([, , , event]) => event === 'batch')).toHaveLength(1)
    expect(world.frames.filter(([, , , event]) => event === 'write')).toHaveLength(0)
  })

  test('one that cannot hold is refused at the call, and nothing shows', async () => {
    const { dust } = await liveTab(true)
    await world.outcome(dust.put(STORE, 'k', 1))
    const batch = dust.batch(STORE, (b) => {
      b.put('a', 1)
      b.put('k', 2, { ifAbsent: true })
    })
    await expect(world.outcome(batch)).rejects.toBeInstanceOf(ExistsError)
    expect(await world.outcome(dust.get(STORE, 'a'))).toBeUndefined()
  })

  test('one that the server refuses takes the others with it, and tells why', async () => {
    const { dust } = await liveTab(true)
    await world.outcome(dust.put(STORE, 'k', 'old').committed)
    world.server.holdBroadcasts = true
    world.server.foreign({ op: 'set', path: 'k', value: 'theirs', opId: 'x' })
    const batch = dust.batch(STORE, (b) => {
      b.put('a', 1)
      b.put('k', 'mine', { ifMatch: 1 })
      b.put('c', 1)
    })
    const [first] = await world.outcome(batch)
    await expect(world.outcome(batch.committed)).rejects.toBeInstanceOf(ConflictError)
    await expect(first?.committed).rejects.toBeInstanceOf(BatchError)
    await expect(first?.committed).rejects.toMatchObject({ fields: { opIndex: 1, reason: 'conflict' } })
    world.server.releaseBroadcasts()
    expect(await world.outcome(dust.getMany(STORE, ['a', 'c']))).toEqual({})
    const inbox = await world.outcome(dust.rejections.list(STORE))
    expect(inbox.map(({ path }) => path)).toEqual(['a', 'k', 'c'])
    expect(new Set(inbox.map(({ batchId }) => batchId)).size).toBe(1)
  })

  test('the leader goes before it answers: the batch is one batch', async () => {
    const leader = await liveTab(true)
    const follower = world.open()
    await world.outcome(follower.dust.get(STORE, 'k'))
    leader.mute()
    const batch = follower.dust.batch(STORE, order)
    await world.until(() => world.server.model.head === 3)
    leader.kill()
    expect(await world.outcome(batch.committed)).toHaveLength(3)
    expect(await world.outcome(follower.dust.get(STORE, 'stats/orders'))).toBe(1)
    expect(world.server.model.head).toBe(3)
  })
})

describe('with a server that has none', () => {
  test('a batch is refused and undone', async () => {
    const { dust } = await liveTab(false)
    const batch = dust.batch(STORE, order)
    await expect(world.outcome(batch.committed)).rejects.toBeInstanceOf(BatchUnsupportedError)
    expect(await world.outcome(dust.get(STORE, 'stats'))).toBeUndefined()
    expect(world.server.model.head).toBe(0)
  })

  test('unless its writes may go one by one', async () => {
    const { dust } = await liveTab(false)
    const batch = dust.batch(STORE, order, { fallback: 'separate' })
    expect(await world.outcome(batch.committed)).toHaveLength(3)
    expect(world.frames.filter(([, , , event]) => event === 'write')).toHaveLength(3)
  })
})

describe('the function', () => {
  test('that throws or gives a promise writes nothing; nor does one that makes no writes', async () => {
    const { dust } = await liveTab(true)
    const failure = new Error('of the app')
    const throws = dust.batch(STORE, (b) => {
      b.put('a', 1)
      throw failure
    })
    await expect(throws).rejects.toBe(failure)
    await expect(dust.batch(STORE, async (b) => b.put('a', 1))).rejects.toBeInstanceOf(OptionError)
    await expect(dust.batch(STORE, (b) => b.put('a//b', 1))).rejects.toMatchObject({ code: 'empty_segment' })
    const odd = dust.batch(STORE, (b) => {
      b.put('a', 1)
      b.add('tags', { b: undefined })
    })
    await expect(odd).rejects.toThrow('add tags: The value at b is undefined')
    await expect(odd).rejects.toMatchObject({ fields: { path: 'tags', at: 'b' } })
    expect(await dust.batch(STORE, () => undefined)).toEqual([])
    expect(await world.outcome(dust.get(STORE, 'a'))).toBeUndefined()
  })

  test('cannot go on writing later, nor write more than 500', async () => {
    const { dust } = await liveTab(true)
    let kept: BatchBuilder | undefined
    await world.outcome(
      dust.batch(STORE, (b) => {
        kept = b
        b.put('a', 1)
      }),
    )
    expect(() => kept?.put('b', 1)).toThrow(DustError)
    const many = dust.batch(STORE, (b) => {
      for (let i = 0; i <= 500; i++) b.put(`k/${i}`, i)
    })
    await expect(many).rejects.toBeInstanceOf(OptionError)
  })
})

import { ConflictError, OutboxFullError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DustEvent, StoreStatus } from '../index.js'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
let tab: WorldTab
beforeEach(async () => {
  world = createTabWorld({ maxPending: 20 })
  tab = world.open()
  await world.outcome(tab.dust.synced(STORE))
})
afterEach(() => world.dispose())

const goOffline = async (): Promise<void> => {
  tab.dust.setOnline(false)
  await world.until(() => world.network.peers.every(({ open }) => !open))
}

describe('I18 a put with ifMatch made offline', () => {
  test('is queued, and holds when nobody was faster', async () => {
    await world.outcome(tab.dust.put(STORE, 'k', 'old').committed)
    await goOffline()
    const write = tab.dust.put(STORE, 'k', 'mine', { ifMatch: 1 })
    await world.outcome(write)
    expect(await world.outcome(tab.dust.get(STORE, 'k'))).toBe('mine')
    tab.dust.setOnline(true)
    expect(await world.outcome(write.committed)).toEqual({ revision: 2 })
  })

  test('conflicts when somebody was: it is undone, and told as a ConflictError and an event', async () => {
    await world.outcome(tab.dust.put(STORE, 'k', 'old').committed)
    await goOffline()
    const events: DustEvent[] = []
    tab.dust.on(STORE, 'k', (event) => events.push(event))
    const write = tab.dust.put(STORE, 'k', 'mine', { ifMatch: 1 })
    await world.outcome(write)
    world.server.foreign({ op: 'set', path: 'k', value: 'theirs', opId: 'x' })
    tab.dust.setOnline(true)
    await expect(world.outcome(write.committed)).rejects.toBeInstanceOf(ConflictError)
    await world.until(() => events.some(({ error }) => error !== undefined))
    expect(events.find(({ error }) => error)?.error).toBeInstanceOf(ConflictError)
    expect(await world.outcome(tab.dust.get(STORE, 'k'))).toBe('theirs')
  })
})

test('I19 without permission to write, no write of any kind leaves anything', async () => {
  world.server.permissions = { read: true, write: false }
  world.network.cut()
  const other = world.open('dev_2')
  await world.outcome(other.dust.synced(STORE))
  const { dust } = other
  const writes = [
    dust.put(STORE, 'k', 1),
    dust.increment(STORE, 'k'),
    dust.batch(STORE, (b) => b.put('k', 1)),
  ]
  for (const outcome of await world.outcome(Promise.allSettled(writes))) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'missing_scope' } })
  }
  expect(await world.outcome(dust.get(STORE, 'k'))).toBeUndefined()
  expect(await world.outcome(dust.status(STORE))).toMatchObject({ pending: { count: 0 } })
})

test('I20 the token is refused: data can be read, writes wait, and the status says for what', async () => {
  await world.outcome(tab.dust.put(STORE, 'k', 1).committed)
  world.server.refuseJoin = { reason: 'unauthorized' }
  world.network.cut()
  const write = tab.dust.put(STORE, 'k', 2)
  await world.outcome(write)
  let status: StoreStatus | undefined
  tab.dust.onStatus(STORE, (now) => {
    status = now
  })
  await world.until(() => status?.connection === 'refused')
  expect(status).toMatchObject({
    pending: { count: 1, heldBy: 'needs-auth' },
    error: { code: 'unauthorized' },
  })
  expect(await world.outcome(tab.dust.get(STORE, 'k'))).toBe(2)
  world.server.refuseJoin = null
  tab.dust.reconnect()
  expect(await world.outcome(write.committed)).toEqual({ revision: 2 })
})

test('I21 a rate limit is waited for: every write takes effect once, in order, and none is refused', async () => {
  world.server.limitedUntil = world.now() + 500
  const writes = [1, 2, 3].map((n) => tab.dust.put(STORE, `k/${n}`, n))
  const done = await world.outcome(Promise.all(writes.map(({ committed }) => committed)))
  expect(done.map(({ revision }) => revision)).toEqual([1, 2, 3])
  expect(world.now()).toBeGreaterThanOrEqual(world.server.limitedUntil)
  expect(await world.outcome(tab.dust.status(STORE))).toMatchObject({ rejected: 0 })
})

test('I23 two tabs agree after the leader has crashed amid writes, each of which counts once', async () => {
  const follower = world.open()
  await world.outcome(follower.dust.get(STORE, 'n'))
  const writes = Array.from({ length: 10 }, (_, i) =>
    (i % 2 === 0 ? tab : follower).dust.increment(STORE, 'n'),
  )
  await world.outcome(Promise.all(writes))
  tab.kill()
  const third = world.open()
  await world.outcome(follower.dust.synced(STORE))
  expect(await world.outcome(follower.dust.get(STORE, 'n'))).toBe(10)
  expect(await world.outcome(third.dust.get(STORE, 'n'))).toBe(10)
  expect(world.server.model.get('n')?.value).toBe(10)
})

test('a full outbox refuses the write at the call; what is in it stays, and goes on', async () => {
  await goOffline()
  const kept = Array.from({ length: 20 }, (_, i) => tab.dust.put(STORE, `k/${i}`, i))
  await world.outcome(Promise.all(kept))
  const status = await world.outcome(tab.dust.status(STORE))
  expect(status.pending).toMatchObject({ count: 20, limit: 20, heldBy: 'no-network' })
  const write = tab.dust.put(STORE, 'k/more', 1)
  await expect(world.outcome(write)).rejects.toBeInstanceOf(OutboxFullError)
  await expect(write.committed).rejects.toMatchObject({
    code: 'outbox_full',
    fields: { limit: 20, count: 20 },
  })
  const batch = tab.dust.batch(STORE, (b) => b.put('k/more', 1))
  await expect(world.outcome(batch)).rejects.toBeInstanceOf(OutboxFullError)
  expect(await world.outcome(tab.dust.get(STORE, 'k/more'))).toBeUndefined()
  tab.dust.setOnline(true)
  await world.outcome(Promise.all(kept.map(({ committed }) => committed)))
})

test('a put over a put that was not sent yet takes its place; both promises get the one verdict', async () => {
  await goOffline()
  const writes = ['a', 'ab', 'abc'].map((text) => tab.dust.put(STORE, 'draft', text))
  await world.outcome(Promise.all(writes))
  expect(await world.outcome(tab.dust.status(STORE))).toMatchObject({ pending: { count: 1 } })
  tab.dust.setOnline(true)
  const verdicts = await world.outcome(Promise.all(writes.map(({ committed }) => committed)))
  expect(verdicts).toEqual([{ revision: 1 }, { revision: 1 }, { revision: 1 }])
  expect(world.server.model.log.map(({ value }) => value)).toEqual(['abc'])
})

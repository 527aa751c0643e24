import { AuthorizationError, LeaseError, OptionError } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Lease } from '../index.js'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
let tab: WorldTab
beforeEach(async () => {
  world = createTabWorld()
  tab = world.open()
  await world.outcome(tab.dust.synced(STORE))
})
afterEach(() => world.dispose())

async function acquire(key = 'locks/a', ttlMs = 60_000): Promise<Lease> {
  const lease = await world.outcome(tab.dust.lease(STORE, key, { ttlMs }))
  if (!lease) throw new Error('The lease is held by somebody.')
  return lease
}

test('F23 without a connection a lease is unavailable at once, and nothing is queued', async () => {
  tab.dust.setOnline(false)
  await world.until(() => world.network.peers.every(({ open }) => !open))
  const before = world.now()
  const lease = tab.dust.lease(STORE, 'locks/a', { ttlMs: 60_000 })
  await expect(world.outcome(lease)).rejects.toBeInstanceOf(LeaseError)
  await expect(lease).rejects.toMatchObject({
    code: 'unavailable',
    fields: { store: STORE, path: 'locks/a' },
  })
  expect(world.now() - before).toBeLessThan(5)
  expect(await world.outcome(tab.dust.status(STORE))).toMatchObject({ pending: { count: 0 } })
})

test('a lease is granted once, renewed with the same token, released once', async () => {
  const { dust } = tab
  const lease = await acquire()
  expect(lease).toEqual({ key: 'locks/a', token: 1, expiresAt: expect.any(Number), holder: 'dev_1' })
  expect(await world.outcome(dust.lease(STORE, 'locks/a', { ttlMs: 60_000 }))).toBeNull()
  await world.pass(100)
  const renewed = await world.outcome(dust.renew(STORE, lease, { ttlMs: 60_000 }))
  expect(renewed).toMatchObject({ key: 'locks/a', token: 1 })
  expect(Number(renewed?.expiresAt)).toBeGreaterThan(lease.expiresAt)
  expect(await world.outcome(dust.release(STORE, lease))).toBe(true)
  expect(await world.outcome(dust.release(STORE, lease))).toBe(false)
  expect(await world.outcome(dust.renew(STORE, lease, { ttlMs: 60_000 }))).toBeNull()
})

test('a lease that was granted is here when the caller hears of it', async () => {
  const lease = await acquire()
  const entry = await world.outcome(tab.dust.entry<Lease>(STORE, lease.key))
  expect(entry).toMatchObject({ type: 'lease', revision: lease.token, value: { token: lease.token } })
  expect(entry?.value.holder).toBe('dev_1')
})

test('one that ran out goes to whoever asks next', async () => {
  const [other, lease] = [world.open('dev_2'), await acquire('locks/a', 50)]
  await world.outcome(other.dust.synced(STORE))
  expect(await world.outcome(other.dust.lease(STORE, 'locks/a', { ttlMs: 1_000 }))).toBeNull()
  await world.pass(60)
  const stolen = await world.outcome(
    other.dust.lease(STORE, 'locks/a', { ttlMs: 1_000, holder: { who: 'x' } }),
  )
  expect(stolen).toMatchObject({ holder: { who: 'x' } })
  expect(stolen?.token).not.toBe(lease.token)
  expect(await world.outcome(tab.dust.renew(STORE, lease, { ttlMs: 1_000 }))).toBeNull()
})

test('what the server refuses is an error of its own', async () => {
  const { dust } = tab
  await world.outcome(dust.put(STORE, 'k', 1).committed)
  const occupied = dust.lease(STORE, 'k', { ttlMs: 1_000 })
  await expect(world.outcome(occupied)).rejects.toMatchObject({ name: 'LeaseError', code: 'occupied' })
  world.server.permissions = { read: true, write: false }
  const forbidden = dust.lease(STORE, 'other', { ttlMs: 1_000 })
  await expect(world.outcome(forbidden)).rejects.toBeInstanceOf(AuthorizationError)
})

test('a fence lets a write through while its lease is held, and no longer', async () => {
  const { dust } = tab
  const lease = await acquire()
  await world.outcome(dust.put(STORE, 'k', 'mine', { fence: lease }).committed)
  await world.outcome(dust.increment(STORE, 'n', 2, { fence: lease }).committed)
  await world.outcome(dust.merge(STORE, 'm', { a: 1 }, { fence: lease }).committed)
  await world.outcome(dust.add(STORE, 's', 'x', { fence: lease }).committed)
  await world.outcome(dust.release(STORE, lease))
  const late = dust.delete(STORE, 'k', { fence: lease })
  await expect(world.outcome(late.committed)).rejects.toMatchObject({ name: 'LeaseError', code: 'fenced' })
  expect(await world.outcome(dust.get(STORE, 'k'))).toBe('mine')
  expect(await world.outcome(dust.get(STORE, 'n'))).toBe(2)
})

test('the leader goes after it has asked: the next one asks again, and it is the same lease', async () => {
  const follower = world.open()
  await world.outcome(follower.dust.get(STORE, 'k'))
  tab.mute()
  const lease = follower.dust.lease(STORE, 'locks/a', { ttlMs: 60_000 })
  await world.until(() => world.server.model.head === 1)
  tab.kill()
  expect(await world.outcome(lease)).toMatchObject({ key: 'locks/a', token: 1 })
  expect(world.server.model.head).toBe(1)
})

test('arguments are checked at the call', async () => {
  const { dust } = tab
  // @ts-expect-error how long is needed
  await expect(dust.lease(STORE, 'a')).rejects.toBeInstanceOf(OptionError)
  await expect(dust.lease(STORE, 'a', { ttlMs: 0.5 })).rejects.toBeInstanceOf(OptionError)
  // @ts-expect-error a lease, not its key
  await expect(dust.release(STORE, 'a')).rejects.toBeInstanceOf(OptionError)
  // @ts-expect-error a fence has a token
  await expect(dust.put(STORE, 'a', 1, { fence: { key: 'a' } })).rejects.toThrow('fence')
})

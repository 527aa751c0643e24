import { DestroyedError, OptionError, PendingWritesError } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

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

/** What a next start finds in the store, without the server's help. */
async function foundLater(path: string): Promise<unknown> {
  world.network.unreachable = true
  world.network.cut()
  const later = world.open()
  return world.outcome(later.dust.get(STORE, path))
}

test('A7 flush sends what is pending, then nothing is left on the device', async () => {
  const { dust } = await opened()
  dust.setOnline(false)
  await world.outcome(dust.put(STORE, 'k', 1))
  const leaving = dust.signOut({ pending: 'flush' })
  dust.setOnline(true)
  await world.outcome(leaving)
  expect(world.server.model.read('k')).toBe(1)
  await expect(dust.get(STORE, 'k')).rejects.toBeInstanceOf(DestroyedError)
  expect(await foundLater('k')).toBeUndefined()
})

test('A7 flush without a network is refused in time, says what would be lost, and removes nothing', async () => {
  const { dust } = await opened()
  world.network.unreachable = true
  world.network.cut()
  await world.outcome(dust.put(STORE, 'a', 1))
  await world.outcome(dust.put(STORE, 'b', 2))
  const refused = await world.outcome(
    dust.signOut({ pending: 'flush', timeoutMs: 500 }).catch((error) => error),
  )
  expect(refused).toBeInstanceOf(PendingWritesError)
  expect(refused).toMatchObject({ code: 'pending_writes', fields: { pending: 2, rejected: 0 } })
  expect(Object.keys((refused as PendingWritesError).fields.stores as object)).toEqual([STORE])
  expect(await world.outcome(dust.get(STORE, 'a'))).toBe(1)
})

test('A7 flush is refused at once when only a new token could free the writes', async () => {
  const { dust } = await opened()
  world.server.refuseJoin = { reason: 'store_not_allowed' }
  world.network.cut()
  let heldBy: unknown
  dust.onStatus(STORE, ({ pending }) => {
    heldBy = pending.heldBy
  })
  await world.until(() => heldBy === 'needs-auth')
  await world.outcome(dust.put(STORE, 'a', 1))
  const before = world.now()
  const refused = await world.outcome(dust.signOut({ pending: 'flush' }).catch((error) => error))
  expect(refused).toMatchObject({
    fields: { pending: 1, stores: { [STORE]: { pending: 1, heldBy: 'needs-auth' } } },
  })
  expect(world.now() - before).toBeLessThan(1_000)
})

test('A7 flush is refused while refused writes lie in the inbox', async () => {
  const { dust } = await opened()
  await world.outcome(dust.put(STORE, 'k', 1).committed)
  world.server.foreign({ op: 'set', path: 'k', value: 2, opId: 'f' }, { hidden: true })
  await world.outcome(dust.put(STORE, 'k', 3, { ifMatch: 1 }).committed.catch(() => undefined))
  const refused = await world.outcome(dust.signOut({ pending: 'flush' }).catch((error) => error))
  expect(refused).toMatchObject({ code: 'pending_writes', fields: { pending: 0, rejected: 1 } })
})

test('A7 flush looks at stores that no tab has opened, too', async () => {
  const first = await opened()
  first.dust.setOnline(false)
  await world.outcome(first.dust.put('acme/other', 'k', 1))
  await world.outcome(first.dust.close())
  world.network.unreachable = true
  world.network.cut()
  const { dust } = world.open()
  const refused = await world.outcome(
    dust.signOut({ pending: 'flush', timeoutMs: 200 }).catch((error) => error),
  )
  expect(refused).toMatchObject({ fields: { pending: 1, stores: { 'acme/other': { pending: 1 } } } })
})

test('A7 keep leaves everything for the next time', async () => {
  const { dust } = await opened()
  dust.setOnline(false)
  await world.outcome(dust.put(STORE, 'k', 1))
  await world.outcome(dust.signOut({ pending: 'keep' }))
  expect(await foundLater('k')).toBe(1)
})

test('A7 discard drops everything, although it was not sent', async () => {
  const { dust } = await opened()
  dust.setOnline(false)
  await world.outcome(dust.put(STORE, 'k', 1))
  await world.outcome(dust.signOut({ pending: 'discard' }))
  expect(world.server.model.read('k')).toBeUndefined()
  expect(await foundLater('k')).toBeUndefined()
})

test('without saying what becomes of pending writes, it is refused', async () => {
  const { dust } = await opened()
  // What an app in JavaScript may do.
  const calls = [{}, { pending: 'drop' }, undefined] as unknown as Parameters<typeof dust.signOut>[0][]
  for (const options of calls) await expect(dust.signOut(options)).rejects.toBeInstanceOf(OptionError)
})

test('A7 flush keeps to its time when no tab serves this one, and removes nothing', async () => {
  const leader = await opened()
  const follower = await opened()
  await world.outcome(follower.dust.put(STORE, 'k', 1))
  leader.asleep = true
  const before = world.now()
  const refused = await world.outcome(
    follower.dust.signOut({ pending: 'flush', timeoutMs: 1_000 }).catch((error) => error),
  )
  expect(refused).toMatchObject({
    name: 'UnavailableError',
    message: expect.stringContaining('Nothing was removed'),
  })
  expect(world.now() - before).toBeLessThanOrEqual(2_100)
  leader.kill()
  expect(await world.outcome(follower.dust.get(STORE, 'k'))).toBe(1)
})

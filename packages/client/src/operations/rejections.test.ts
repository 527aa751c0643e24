import { ConflictError, Decimal, DustError, ExistsError, OptionError } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RejectedWrite } from '../index.js'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
let tab: WorldTab
beforeEach(async () => {
  world = createTabWorld()
  tab = world.open()
  await world.outcome(tab.dust.synced(STORE))
})
afterEach(() => world.dispose())

/** Writes offline, where somebody else is first. */
async function beaten(path: string, value: unknown, from = tab): Promise<string> {
  from.dust.setOnline(false)
  await world.until(() => world.network.peers.every(({ open }) => !open))
  const write = from.dust.put(STORE, path, value, { ifAbsent: true })
  const { opId } = await world.outcome(write)
  world.server.foreign({ op: 'set', path, value: 'theirs', opId: `foreign ${path}` })
  from.dust.setOnline(true)
  await expect(world.outcome(write.committed)).rejects.toBeInstanceOf(ExistsError)
  return opId
}

test('a refused write is undone, blocks nothing, and stays in the inbox with its error', async () => {
  const opId = await beaten('k', Decimal.from('1.10'))
  await world.outcome(tab.dust.put(STORE, 'later', 1).committed)
  expect(await world.outcome(tab.dust.get(STORE, 'k'))).toBe('theirs')
  const [write, ...others] = await world.outcome(tab.dust.rejections.list(STORE))
  expect(others).toEqual([])
  expect(write).toMatchObject({ opId, op: 'set', path: 'k', value: Decimal.from('1.10'), ifAbsent: true })
  expect(write?.error).toBeInstanceOf(ExistsError)
  expect(Number(write?.rejectedAt)).toBeGreaterThanOrEqual(Number(write?.issuedAt))
  expect(await world.outcome(tab.dust.status(STORE))).toMatchObject({ rejected: 1, pending: { count: 0 } })
})

test('retry writes it again, edited as wished, and takes it off the list', async () => {
  const opId = await beaten('k', 'mine')
  const again = tab.dust.rejections.retry(STORE, opId, { value: 'mine after all', ifAbsent: false })
  expect((await world.outcome(again)).opId).not.toBe(opId)
  await world.outcome(again.committed)
  expect(world.server.model.get('k')?.value).toBe('mine after all')
  expect(await world.outcome(tab.dust.rejections.list(STORE))).toEqual([])
  const elsewhere = await beaten('l', 'mine')
  await world.outcome(tab.dust.rejections.retry(STORE, elsewhere, { path: 'l2' }).committed)
  expect(world.server.model.get('l2')?.value).toBe('mine')
})

test('a retry that cannot hold here is refused, and the write stays in the inbox', async () => {
  const opId = await beaten('k', 'mine')
  await expect(world.outcome(tab.dust.rejections.retry(STORE, opId))).rejects.toBeInstanceOf(ExistsError)
  const stale = tab.dust.rejections.retry(STORE, opId, { ifAbsent: false, ifMatch: 77 })
  await expect(world.outcome(stale)).rejects.toBeInstanceOf(ConflictError)
  expect(await world.outcome(tab.dust.rejections.list(STORE))).toHaveLength(1)
})

test('drop takes it off the list, once', async () => {
  const opId = await beaten('k', 'mine')
  expect(await world.outcome(tab.dust.rejections.drop(STORE, opId))).toBe(true)
  expect(await world.outcome(tab.dust.rejections.drop(STORE, opId))).toBe(false)
  expect(await world.outcome(tab.dust.status(STORE))).toMatchObject({ rejected: 0 })
  const gone = tab.dust.rejections.retry(STORE, opId)
  await expect(world.outcome(gone)).rejects.toBeInstanceOf(DustError)
  await expect(gone).rejects.toMatchObject({ code: 'unknown_rejection' })
})

test('onChange tells the list now and after each change, in every tab, also after a change of leader', async () => {
  const follower = world.open()
  const lists: string[][] = []
  const off = follower.dust.rejections.onChange(STORE, (list: readonly RejectedWrite[]) =>
    lists.push(list.map(({ path }) => path)),
  )
  await world.until(() => lists.length === 1)
  const opId = await beaten('a', 1)
  await world.until(() => lists.length === 2)
  tab.kill()
  await world.until(() => follower.leading)
  await beaten('b', 1, follower)
  await world.until(() => lists.at(-1)?.length === 2)
  await world.outcome(follower.dust.rejections.drop(STORE, opId))
  await world.until(() => lists.at(-1)?.length === 1)
  expect(lists).toEqual([[], ['a'], ['a', 'b'], ['b']])
  off()
})

test('the leader goes before it answers a retry: the write is made once', async () => {
  const follower = world.open()
  await world.outcome(follower.dust.get(STORE, 'k'))
  const opId = await beaten('k', 5)
  tab.mute()
  const commits = world.commits
  const again = follower.dust.rejections.retry(STORE, opId, { path: 'n' })
  await world.until(() => world.commits > commits)
  tab.kill()
  await world.outcome(again.committed)
  expect(await world.outcome(follower.dust.get(STORE, 'n'))).toBe(5)
  expect(world.server.model.log.filter(({ path }) => path === 'n')).toHaveLength(1)
})

test('a retry takes any condition away with null, and refuses a value for a delete', async () => {
  const other = world.open('dev_2').dust
  await world.outcome(tab.dust.synced(STORE))
  const fence = { key: 'lock', token: 1 }
  const [absent, deleted] = [
    tab.dust.put(STORE, 'k', 1, { ifAbsent: true, fence }),
    tab.dust.delete(STORE, 'd', { fence }),
  ]
  const receipts = await world.outcome(Promise.all([absent, deleted]))
  await world.outcome(Promise.allSettled([absent.committed, deleted.committed]))
  const [first, second] = receipts.map(({ opId }) => opId) as [string, string]
  await world.outcome(other.put(STORE, 'k', 2).committed)
  await world.outcome(tab.dust.rejections.retry(STORE, first, { ifAbsent: null, fence: null }).committed)
  expect(world.server.model.get('k')?.value).toBe(1)
  const set = tab.dust.rejections.retry(STORE, second, { value: 5, fence: null })
  await expect(world.outcome(set)).rejects.toBeInstanceOf(OptionError)
  expect(await world.outcome(tab.dust.rejections.list(STORE))).toHaveLength(1)
})

test('an op id that is none is refused at the call', async () => {
  // @ts-expect-error: what JavaScript lets happen
  await expect(tab.dust.rejections.drop(STORE, {})).rejects.toThrow('drop needs the opId of a refused write')
  // @ts-expect-error: as above
  await expect(tab.dust.rejections.retry(STORE)).rejects.toThrow('retry needs the opId of a refused write')
})

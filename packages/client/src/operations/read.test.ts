import { OptionError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Dust } from '../index.js'
import { createTabWorld, STORE, type TabWorld } from '../test-support/tab-world.js'

let world: TabWorld
let dust: Dust
beforeEach(() => {
  world = createTabWorld()
  dust = world.open().dust
})
afterEach(() => world.dispose())

const put = (...paths: readonly string[]): Promise<unknown> =>
  world.outcome(Promise.all(paths.map((path) => dust.put(STORE, path, path))))

/** The paths of all pages of `k/**`, with what is done between one and the next. */
async function pages(order: 'asc' | 'desc', limit: number, between: () => Promise<unknown> = async () => {}) {
  const found: string[][] = []
  for (let after: string | null | undefined; after !== null; ) {
    const page = await world.outcome(
      dust.enum(STORE, 'k/**', { select: 'keys', order, limit, after: after ?? undefined }),
    )
    found.push([...page.items])
    after = page.nextCursor
    if (after !== null) await between()
  }
  return found
}

describe('H06 paging through 2,500 keys', () => {
  const keys = Array.from({ length: 2_500 }, (_, i) => `k/${String(i).padStart(4, '0')}`)

  test.each(['asc', 'desc'] as const)('%s: every key once, in 25 pages', async (order) => {
    await put(...keys)
    const found = await pages(order, 100)
    expect(found).toHaveLength(25)
    expect(found.flat()).toEqual(order === 'asc' ? keys : keys.toReversed())
  })
})

test('H07 rows that come and go while paging: none twice, and none skipped that was there all the time', async () => {
  const steady = Array.from({ length: 60 }, (_, i) => `k/${String(i * 10).padStart(4, '0')}`)
  await put(...steady, 'k/0005', 'k/0595')
  let round = 0
  const found = await pages('asc', 10, async () => {
    round += 1
    // Behind the cursor, ahead of it, and one that was ahead goes.
    await put('k/0001', `k/${String(500 + round).padStart(4, '0')}`)
    await world.outcome(dust.delete(STORE, round % 2 === 0 ? 'k/0595' : 'k/0005'))
  })
  const all = found.flat()
  expect(new Set(all).size).toBe(all.length)
  expect(all.filter((path) => steady.includes(path))).toEqual(steady)
  expect(all).toEqual(all.toSorted())
})

test('H08 prefixes: of the store, of a subtree, and of no other pattern', async () => {
  await put('a/1/x', 'a/1/y', 'a/2', 'b', 'c/z')
  const prefixes = async (pattern: string) =>
    (await world.outcome(dust.enum(STORE, pattern, { select: 'prefixes' }))).items
  expect(await prefixes('**')).toEqual(['a', 'b', 'c'])
  expect(await prefixes('a/**')).toEqual(['a/1', 'a/2'])
  for (const pattern of ['a/*', 'a', '*/x']) {
    await expect(prefixes(pattern)).rejects.toBeInstanceOf(OptionError)
  }
})

test('H09 a range whose end is not after its beginning is empty', async () => {
  await put('a', 'b')
  for (const [from, to] of [
    ['b', 'a'],
    ['a', 'a'],
  ] as const) {
    const page = await world.outcome(dust.range(STORE, from, to))
    expect([page.items, page.nextCursor]).toEqual([[], null])
  }
})

test('H10 keys that look like bookkeeping are keys like any other', async () => {
  world.server.foreign({ op: 'set', path: '_dust:last_seq', value: 7, opId: 'x' })
  await world.outcome(dust.synced(STORE))
  expect(await world.outcome(dust.get(STORE, '_dust:last_seq'))).toBe(7)
  await world.outcome(dust.put(STORE, '_dust:last_seq', 'mine').committed)
  const keys = await world.outcome(dust.enum(STORE, '**', { select: 'keys' }))
  expect(keys.items).toEqual(['_dust:last_seq'])
})

test('getMany refuses what is no list', async () => {
  // @ts-expect-error: what JavaScript lets happen
  await expect(dust.getMany(STORE)).rejects.toMatchObject({ code: 'invalid_option' })
  // @ts-expect-error: as above
  await expect(dust.getMany(STORE, 'a')).rejects.toThrow('getMany needs a list of paths')
})

test('H11 an entry has its revision and syncedAt once the server has it', async () => {
  const write = dust.put(STORE, 'k', 1)
  await world.outcome(write)
  expect(await world.outcome(dust.entry(STORE, 'k'))).toMatchObject({ revision: 0, pending: true })
  const { revision } = await world.outcome(write.committed)
  expect(await world.outcome(dust.entry(STORE, 'k'))).toEqual({
    path: 'k',
    value: 1,
    type: 'integer',
    revision,
    syncedAt: expect.any(Number),
    pending: false,
  })
})

test('H12 the page comes again without a network: reads answer from what is kept, and the status says offline', async () => {
  await world.outcome(dust.put(STORE, 'k', { a: 1 }).committed)
  await world.outcome(dust.close())
  world.network.unreachable = true
  const again = world.open().dust
  expect(await world.outcome(again.get(STORE, 'k'))).toEqual({ a: 1 })
  expect((await world.outcome(again.enum(STORE, 'k/*', { select: 'keys' }))).items).toEqual(['k/a'])
  let connection = ''
  again.onStatus(STORE, (status) => {
    connection = status.connection
  })
  await world.until(() => connection === 'offline')
})

import type { Page } from '@playwright/test'
import { readLog } from './support/raw-client.js'
import type { DustServer } from './support/server.js'
import {
  type Damage,
  damageStored,
  listMirrored,
  openBarePage,
  removeStored,
} from './support/stored-files.js'
import { expect, test, untilSynced } from './support/test.js'

const status = (page: Page) => page.evaluate(() => window.store.status())
const recovered = async (page: Page) => {
  const { storage } = await status(page)
  return 'recovered' in storage ? storage.recovered : undefined
}

/** An entry that the server has, and then no server. */
async function goOffline(page: Page, server: DustServer): Promise<void> {
  await untilSynced(page)
  await page.evaluate(() => window.store.put('counter', 100).committed)
  await server.stop()
  await expect.poll(() => status(page)).toMatchObject({ connection: 'offline' })
}

/** Writes of each kind; what they are in the outbox, in order. */
async function write(page: Page): Promise<string[]> {
  await page.evaluate(async () => {
    for (let i = 1; i <= 20; i++) await window.store.increment('counter', i)
    for (const text of ['a', 'ab', 'abc']) await window.store.put('text', text)
    await window.store.batch((batch) => {
      batch.put('pair/a', 1)
      batch.put('pair/b', 2)
    })
    await window.store.delete('text')
  })
  return [...new Array(20).fill('counter'), 'text', 'pair/a', 'pair/b', 'text']
}

const COUNTED = 100 + (20 * 21) / 2

/** The server has each write once, in order, and the page shows what it has. */
async function expectSent(page: Page, server: DustServer, paths: readonly string[]): Promise<void> {
  await untilSynced(page)
  const log = await readLog(server)
  expect(log.map(({ path }) => path)).toEqual(['counter', ...paths])
  expect(new Set(log.map(({ client_op_id }) => client_op_id)).size).toBe(log.length)
  expect(await page.evaluate(() => window.store.getMany(['counter', 'text', 'pair']))).toEqual({
    counter: COUNTED,
    pair: { a: 1, b: 2 },
  })
  expect((await page.evaluate(() => window.store.doctor())).ok).toBe(true)
}

interface Loss {
  readonly name: string
  happen(bare: Page): Promise<number>
}

const damaged = (name: string, damage: Damage, ending = '.db'): Loss => ({
  name,
  happen: (bare) => damageStored(bare, ending, damage),
})

const LOSSES: readonly Loss[] = [
  damaged('whose header in the pool is damaged', { kind: 'header' }),
  damaged('that is overwritten, with its log', { kind: 'garbage', at: 0, bytes: 1_000_000 }, ''),
  damaged('that is empty', { kind: 'truncate', bytes: 0 }),
  { name: 'whose directory is gone', happen: removeStored },
]

for (const { name, happen } of LOSSES) {
  for (const end of ['closed', 'killed'] as const) {
    test(`a database ${name} begins anew with all that was pending when the page was ${end}`, async ({
      server,
      newProfile,
      newTab,
      pageHost,
    }) => {
      const profile = await newProfile()
      let page = await newTab(profile)
      await goOffline(page, server)
      const bare = await openBarePage(page, pageHost.origin)
      const paths = await write(page)
      if (end === 'closed') await page.evaluate(() => window.dust.close())
      else await expect.poll(() => listMirrored(bare)).toEqual(paths)
      await page.close()
      await expect.poll(() => happen(bare).catch(() => 0)).toBeGreaterThan(0)

      page = await newTab(profile)
      await expect
        .poll(() => recovered(page))
        .toEqual({
          at: expect.any(Number),
          reason: expect.stringMatching(/^(damaged|evicted)$/),
          detail: expect.any(String),
          rescued: paths.length,
          // Who was killed may have written something in its last moment.
          complete: end === 'closed',
        })
      expect((await status(page)).pending.count).toBe(paths.length)
      await server.start()
      await expectSent(page, server, paths)
      await expect.poll(() => listMirrored(bare)).toEqual([])
      expect((await status(page)).storage).not.toHaveProperty('unmirrored')
      await page.reload()
      await expectSent(page, server, paths)
    })
  }
}

test('a database that has lost its log gets back what was pending', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  let page = await newTab(profile)
  await goOffline(page, server)
  const bare = await openBarePage(page, pageHost.origin)
  // So that the file has everything up to here, and its log what follows.
  await page.evaluate(() => window.dust.close())
  await page.close()
  page = await newTab(profile)
  await expect.poll(() => status(page)).toMatchObject({ connection: 'offline', lastStoreSeq: 1 })
  const paths = await write(page)
  await expect.poll(() => listMirrored(bare)).toEqual(paths)
  await page.close()
  await expect.poll(() => damageStored(bare, '.db-wal', { kind: 'header' }).catch(() => 0)).toBe(1)

  page = await newTab(profile)
  await expect
    .poll(() => recovered(page))
    .toMatchObject({ reason: 'damaged', rescued: paths.length, complete: false })
  await server.start()
  await expectSent(page, server, paths)
})

test('the next leader goes on with the mirror of the one before', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  const first = await newTab(profile)
  await goOffline(first, server)
  let page = await newTab(profile)
  await expect.poll(() => status(page)).toMatchObject({ lastStoreSeq: 1 })
  const bare = await openBarePage(page, pageHost.origin)
  const paths = await write(first)
  await expect.poll(() => listMirrored(bare)).toEqual(paths)
  await first.close()
  await page.evaluate(() => window.store.put('later', 1))
  await expect.poll(() => listMirrored(bare)).toEqual([...paths, 'later'])
  await page.close()
  await expect.poll(() => removeStored(bare).catch(() => 0)).toBeGreaterThan(0)
  page = await newTab(profile)
  await expect.poll(() => recovered(page)).toMatchObject({ reason: 'evicted', rescued: paths.length + 1 })
  await server.start()
  await expectSent(page, server, [...paths, 'later'])
})

test('destroy() leaves nothing of the mirror', async ({ server, newProfile, newTab, pageHost }) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await goOffline(page, server)
  const bare = await openBarePage(page, pageHost.origin)
  const paths = await write(page)
  await expect.poll(() => listMirrored(bare)).toEqual(paths)
  await page.evaluate(() => window.dust.destroy())
  const left = () => bare.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
  expect((await left()).filter((name) => name?.startsWith('dust-'))).toEqual([])
  const again = await newTab(profile)
  await expect.poll(() => status(again)).toMatchObject({ pending: { count: 0 }, lastStoreSeq: 0 })
})

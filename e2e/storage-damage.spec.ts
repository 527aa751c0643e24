import type { Page } from '@playwright/test'
import { connectRaw, readLog } from './support/raw-client.js'
import type { DustServer } from './support/server.js'
import { damageStored, listStored, openBarePage } from './support/stored-files.js'
import { expect, test, untilSynced } from './support/test.js'

const status = (page: Page) => page.evaluate(() => window.store.status())
const PENDING = 5

/** A tab with entries that the server has, and pending writes that it has not. The server is down afterwards. */
async function prepare(page: Page, server: DustServer): Promise<void> {
  await untilSynced(page)
  const seeder = await connectRaw(server, 'e2e-seeder')
  await seeder.push('phx_join', { last_store_seq: 0 })
  const entries = Array.from({ length: 300 }, (_, i) => [`k${i}`, 'x'.repeat(500)])
  const value = Object.fromEntries(entries)
  await seeder.push('write', { op: 'set', path: 'theirs', value, client_op_id: 'seed' })
  seeder.close()
  await expect.poll(async () => (await status(page)).lastStoreSeq).toBe(1)
  await server.stop()
  await expect.poll(() => status(page)).toMatchObject({ connection: 'offline' })
  await page.evaluate(async (pending) => {
    for (let i = 0; i < pending; i++) await window.store.put(`mine/${i}`, i)
  }, PENDING)
}

const seen = (page: Page) =>
  page.evaluate(async () => ({
    mine: await window.store.get('mine'),
    theirs: Object.keys((await window.store.get<object>('theirs')) ?? {}).length,
  }))

const MINE = Object.fromEntries(Array.from({ length: PENDING }, (_, i) => [i, i]))

test('a damaged database is set aside, its pending writes are rescued, and the rest comes from the server', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  let page = await newTab(profile)
  await prepare(page, server)
  const bare = await openBarePage(page, pageHost.origin)
  // So that everything is in the database, and nothing in its log.
  await page.evaluate(() => window.dust.close())
  const [stored] = await listStored(bare)
  expect(stored).toMatchObject({ path: expect.stringMatching(/\.db$/) })
  const size = stored?.bytes ?? 0
  // The outbox is among the last pages, the schema and its root pages among the first.
  const damaged = await damageStored(bare, '.db', {
    kind: 'garbage',
    at: Math.floor(size / 2),
    bytes: 20_000,
  })
  expect(damaged).toBe(1)

  page = await newTab(profile)
  await page.evaluate(() => {
    const told: unknown[] = []
    Object.assign(window, { told })
    window.store.onStatus(({ storage }) => told.push(storage))
  })
  // SQLite notices when it reads the page, at the latest.
  await page.evaluate(() => window.store.enum('**')).catch(() => undefined)
  await expect
    .poll(async () => (await status(page)).storage)
    .toEqual({
      kind: 'opfs',
      persisted: false,
      recovered: {
        at: expect.any(Number),
        reason: 'damaged',
        detail: expect.any(String),
        rescued: PENDING,
        complete: true,
      },
    })
  expect(await page.evaluate(() => JSON.stringify(Reflect.get(window, 'told')))).toContain('"damaged"')
  expect(await seen(page)).toEqual({ mine: MINE, theirs: 0 })
  const names = (await listStored(bare)).map(({ path }) => path).filter((path) => path.endsWith('.db'))
  expect(names).toHaveLength(2)

  await server.start()
  await untilSynced(page)
  expect(await seen(page)).toEqual({ mine: MINE, theirs: 300 })
  expect(await readLog(server)).toHaveLength(1 + PENDING)
  // What was set aside is of no more use.
  await expect
    .poll(async () => (await listStored(bare)).filter(({ path }) => path.endsWith('.db')).length)
    .toBe(1)
  expect((await page.evaluate(() => window.store.doctor())).ok).toBe(true)
})

const LOSSES = [
  { name: 'overwritten from its first byte on', damage: { kind: 'garbage', at: 0, bytes: 1_000_000 } },
  { name: 'cut off behind its first pages', damage: { kind: 'truncate', bytes: 3 * 8_192 } },
  { name: 'of another version, as its header says', damage: { kind: 'garbage', at: 60, bytes: 1 } },
  { name: 'only to be read, as its header says', damage: { kind: 'garbage', at: 18, bytes: 1 } },
  {
    name: 'whole, but for a byte of a pending write',
    damage: { kind: 'text', find: 'mine/2', replace: 'mine/7' },
  },
  {
    name: 'whole, but for a byte of a confirmed value',
    damage: { kind: 'text', find: 'theirs/k200"', replace: 'theirs/k200{' },
  },
  { name: 'empty', damage: { kind: 'truncate', bytes: 0 } },
  { name: 'deleted', damage: { kind: 'delete' } },
] as const

for (const { name, damage } of LOSSES) {
  test(`a database that is ${name} begins anew, and the app is told`, async ({
    server,
    newProfile,
    newTab,
    pageHost,
  }) => {
    const profile = await newProfile()
    let page = await newTab(profile)
    await prepare(page, server)
    const bare = await openBarePage(page, pageHost.origin)
    await page.evaluate(() => window.dust.close())
    expect(await damageStored(bare, '.db', damage)).toBe(1)
    await server.start()
    page = await newTab(profile)
    // Some damage shows only when it is read.
    await seen(page)
    await untilSynced(page)
    const { recovered } = (await status(page)).storage as {
      recovered?: { reason: string; complete: boolean }
    }
    expect(['damaged', 'evicted']).toContain(recovered?.reason)
    // Nobody can say how much was lost, unless the part that is left had it all.
    const { mine, theirs } = await seen(page)
    expect(theirs).toBe(300)
    if (recovered?.complete) expect(mine).toEqual(MINE)
    await page.evaluate(() => window.store.put('new', 1).committed)
    expect((await page.evaluate(() => window.store.doctor())).ok).toBe(true)
  })
}

for (const storage of ['auto', 'indexeddb'] as const) {
  test(`an origin whose data is cleared while it is open goes on with what was written here (${storage})`, async ({
    server,
    newProfile,
    newTab,
    pageHost,
  }) => {
    const profile = await newProfile()
    const page = await newTab(profile, { storage })
    const other = await newTab(profile, { storage })
    await prepare(page, server)
    await other.evaluate(() => {
      const told: unknown[] = []
      Object.assign(window, { told })
      window.store.onStatus(({ storage }) => told.push(storage))
    })
    const cdp = await profile.context.newCDPSession(page)
    await cdp.send('Storage.clearDataForOrigin', { origin: pageHost.origin, storageTypes: 'all' })
    await expect
      .poll(async () => (await status(page)).storage)
      .toMatchObject({ recovered: { reason: 'evicted', rescued: PENDING, complete: true } })
    expect(await seen(page)).toEqual({ mine: MINE, theirs: 0 })
    await expect
      .poll(() => other.evaluate(() => JSON.stringify(Reflect.get(window, 'told'))))
      .toContain('"evicted"')
    // Not the tab that had the removed files open: Chromium blocks the origin's files for some seconds when it ends.
    await other.reload()
    expect(await seen(other)).toEqual({ mine: MINE, theirs: 0 })
    await server.start()
    await other.evaluate(() => window.dust.reconnect())
    await untilSynced(other)
    expect(await seen(page)).toEqual({ mine: MINE, theirs: 300 })
    expect(await readLog(server)).toHaveLength(1 + PENDING)
  })
}

import type { Page } from '@playwright/test'
import { readLog } from './support/raw-client.js'
import { openBarePage } from './support/stored-files.js'
import { expect, test, untilSynced } from './support/test.js'

// A device keeps several pieces: files in OPFS, databases in IndexedDB. One of them failing is no reason to lose another.

const status = (page: Page) => page.evaluate(() => window.store.status())

/** Changes the number of the newest leader as IndexedDB has it. */
function addToEpoch(page: Page, more: number): Promise<void> {
  return page.evaluate(async (more) => {
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const databases = await indexedDB.databases()
    const name = databases.map(({ name = '' }) => name).find((name) => name.startsWith('dust-default'))
    const db = await settled(indexedDB.open(name ?? ''))
    const blocks = db.transaction('blocks', 'readwrite').objectStore('blocks')
    await settled(blocks.put((await settled<number>(blocks.get(['epoch']))) + more, ['epoch']))
    db.close()
  }, more)
}

test('an app that deletes all IndexedDB databases takes nothing from what is in OPFS', async ({
  server,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await untilSynced(page)
  await page.evaluate(() => window.store.put('a', 1).committed)
  await server.stop()
  await expect.poll(() => status(page)).toMatchObject({ connection: 'offline' })
  await page.evaluate(() => window.store.put('b', 2))
  await page.evaluate(async () => {
    const deletion = (name: string) =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name)
        request.onsuccess = () => resolve()
        request.onerror = () => reject(request.error)
      })
    await Promise.all((await indexedDB.databases()).map(({ name = '' }) => deletion(name)))
  })
  await page.evaluate(() => window.store.put('c', 3))
  const second = await newTab(profile)
  expect(await second.evaluate(() => window.store.getMany(['a', 'b', 'c']))).toEqual({ a: 1, b: 2, c: 3 })
  await page.close()
  expect(await second.evaluate(() => window.store.getMany(['a', 'b', 'c']))).toEqual({ a: 1, b: 2, c: 3 })
  expect(await status(second)).toMatchObject({ storage: { kind: 'opfs' }, pending: { count: 2 } })
  await server.start()
  await untilSynced(second)
  expect((await readLog(server)).map(({ path }) => path)).toEqual(['a', 'b', 'c'])
})

test('a full IndexedDB refuses the write, keeps what was taken in view, and goes on when there is room', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const { origin } = pageHost
  const profile = await newProfile()
  const bare = await openBarePage(await profile.context.newPage(), origin)
  const cdp = await profile.context.newCDPSession(bare)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 3_000_000 })
  const page = await newTab(profile, { storage: 'indexeddb' })
  await untilSynced(page)
  await server.stop()
  const written = await page.evaluate(async () => {
    let taken = 0
    const refusals: string[] = []
    while (refusals.length < 3) {
      const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(30_000))))
      try {
        await window.store.put(`big/${taken + refusals.length}`, text)
        taken += 1
      } catch (error) {
        refusals.push((error as { code: string }).code)
      }
    }
    const visible = (await window.store.enum('big/*', { select: 'keys' })).items.length
    return { taken, refusals, visible }
  })
  const { taken } = written
  expect(taken).toBeGreaterThan(10)
  expect(written).toEqual({ taken, refusals: Array(3).fill('quota_exceeded'), visible: taken })
  const kept = { storage: { kind: 'indexeddb' }, pending: { count: taken } }
  expect(await status(page)).toMatchObject(kept)
  // What is there can be read without room for more.
  await page.reload()
  expect(await status(page)).toMatchObject(kept)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin })
  await page.evaluate(() => window.store.put('after', 1))
  await server.start()
  await untilSynced(page)
  expect(await readLog(server)).toHaveLength(taken + 1)
})

test('what lies in IndexedDB from a leader whose clock was ahead is read all the same', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile, { storage: 'indexeddb' })
  await untilSynced(page)
  await server.stop()
  await page.evaluate(() => window.store.put('unsent', 1))
  const bare = await openBarePage(page, pageHost.origin)
  await page.close()
  await addToEpoch(bare, 1e12)
  const again = await newTab(profile, { storage: 'indexeddb' })
  await expect
    .poll(() => status(again))
    .toMatchObject({ storage: { kind: 'indexeddb' }, pending: { count: 1 } })
  expect(await again.evaluate(() => window.store.get('unsent'))).toBe(1)
  await again.evaluate(() => window.store.put('more', 2))
  await server.start()
  await untilSynced(again)
  expect((await readLog(server)).map(({ path }) => path)).toEqual(['unsent', 'more'])
})

test('what lies in IndexedDB and cannot be opened does not stand in the way of OPFS, and is fetched another time', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  const first = await newTab(profile)
  await untilSynced(first)
  await server.stop()
  await first.evaluate(() => window.store.put('in/opfs', 1))
  await first.close()
  const lower = await newTab(profile, { storage: 'indexeddb' })
  await lower.evaluate(() => window.store.put('in/indexeddb', 1))
  const bare = await openBarePage(lower, pageHost.origin)
  await lower.close()
  await addToEpoch(bare, 1e12)
  const page = await newTab(profile)
  expect(await page.evaluate(() => window.store.get('in/opfs'))).toBe(1)
  expect(await status(page)).toMatchObject({ storage: { kind: 'opfs' }, pending: { count: 1 } })
  await page.close()
  await addToEpoch(bare, -2e12)
  const again = await newTab(profile)
  expect(await again.evaluate(() => window.store.get('in'))).toEqual({ opfs: 1, indexeddb: 1 })
})

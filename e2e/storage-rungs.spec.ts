import type { Page } from '@playwright/test'
import { readLog } from './support/raw-client.js'
import { openBarePage } from './support/stored-files.js'
import { expect, test, untilSynced } from './support/test.js'

const status = (page: Page) => page.evaluate(() => window.store.status())
const offline = (page: Page) =>
  expect.poll(() => status(page), { message: 'offline' }).toMatchObject({ connection: 'offline' })

test('IndexedDB: writes made offline survive a reload, a restart and a crash of the browser, and arrive once', async ({
  server,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const options = { storage: 'indexeddb' } as const
  let page = await newTab(profile, options)
  await untilSynced(page)
  expect((await status(page)).storage).toEqual({ kind: 'indexeddb', persisted: false })
  await page.evaluate(() => window.store.put('known', 'x'.repeat(30_000)).committed)
  await server.stop()
  await offline(page)
  await page.evaluate(async () => {
    for (let i = 0; i < 20; i++) await window.store.increment('n')
    await window.store.put('note', { title: 'offline' })
  })
  const expectWritten = async () => {
    const seen = await page.evaluate(() => window.store.getMany(['n', 'note', 'known']))
    expect(seen).toEqual({ n: 20, note: { title: 'offline' }, known: 'x'.repeat(30_000) })
  }
  await page.reload()
  await expectWritten()
  await profile.restart()
  page = await newTab(profile, options)
  await expectWritten()
  await page.evaluate(() => window.store.put('last', 'acknowledged'))
  await profile.crash()
  page = await newTab(profile, options)
  await expectWritten()
  expect(await page.evaluate(() => window.store.get('last'))).toBe('acknowledged')
  expect(await status(page)).toMatchObject({ pending: { count: 22 }, storage: { kind: 'indexeddb' } })
  await server.start()
  await untilSynced(page)
  expect(await readLog(server)).toHaveLength(23)
  expect((await page.evaluate(() => window.store.doctor())).ok).toBe(true)
})

test('IndexedDB: a second tab works through the first, and takes over when that is closed', async ({
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const first = await newTab(profile, { storage: 'indexeddb' })
  const second = await newTab(profile, { storage: 'indexeddb' })
  await untilSynced(second)
  await first.evaluate(() => window.store.put('a', 1))
  expect(await second.evaluate(() => window.store.get('a'))).toBe(1)
  await first.close()
  await second.evaluate(() => window.store.put('b', 2))
  expect(await second.evaluate(() => window.store.getMany(['a', 'b']))).toEqual({ a: 1, b: 2 })
  await untilSynced(second)
})

test('what was written to IndexedDB goes along when the browser has something better again', async ({
  server,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const before = await newTab(profile, { storage: 'indexeddb' })
  await untilSynced(before)
  await server.stop()
  await before.evaluate(() => window.store.put('a', 1))
  await before.close()
  const after = await newTab(profile)
  expect(await after.evaluate(() => window.store.get('a'))).toBe(1)
  expect(await status(after)).toMatchObject({ storage: { kind: 'opfs' }, pending: { count: 1 } })
  await server.start()
  await after.evaluate(() => window.dust.reconnect())
  await untilSynced(after)
  expect(await readLog(server)).toHaveLength(1)
})

test('memory: the status says that nothing is kept', async ({ newProfile, newTab }) => {
  const page = await newTab(await newProfile(), { storage: 'memory' })
  await untilSynced(page)
  expect((await status(page)).storage).toEqual({ kind: 'memory', persisted: null })
})

test('a tab in memory by choice does not serve one that requires more, and is not served by it', async ({
  server,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const inMemory = await newTab(profile, { storage: 'memory' })
  await untilSynced(inMemory)
  const kept = await newTab(profile, { storage: 'require-persistent' })
  await untilSynced(kept)
  expect((await status(kept)).storage.kind).toBe('opfs')
  expect((await status(inMemory)).storage.kind).toBe('memory')
  await server.stop()
  await kept.evaluate(() => window.store.put('k', 'kept'))
  await inMemory.evaluate(() => window.store.put('k', 'not kept'))
  await inMemory.close()
  await kept.reload()
  expect(await kept.evaluate(() => window.store.get('k'))).toBe('kept')
  expect(await status(kept)).toMatchObject({ storage: { kind: 'opfs' }, pending: { count: 1 } })
})

test('a private window has the same storage as long as it lasts', async ({ browser, server, pageHost }) => {
  const context = await browser.newContext()
  const query = new URLSearchParams({ url: server.url, token: server.token, store: server.store })
  const page = await context.newPage()
  await page.goto(`${pageHost.origin}/?${query}`)
  await untilSynced(page)
  await server.stop()
  await page.evaluate(() => window.store.put('a', 1))
  await page.reload()
  expect(await page.evaluate(() => window.store.get('a'))).toBe(1)
  expect(await status(page)).toMatchObject({ storage: { kind: 'opfs' }, pending: { count: 1 } })
  await context.close()
})

test('where nothing can be kept, memory is taken with the reason, unless the app requires more', async ({
  playwright,
  launchOptions,
  server,
  pageHost,
}) => {
  // Not a secure context, and not localhost either.
  const port = new URL(pageHost.origin).port
  const args = [...(launchOptions.args ?? []), '--host-resolver-rules=MAP dust.example 127.0.0.1']
  const browser = await playwright.chromium.launch({ ...launchOptions, args })
  const page = await browser.newPage()
  const open = (storage: string) => {
    const query = new URLSearchParams({ url: server.url, token: server.token, store: server.store, storage })
    return page.goto(`http://dust.example:${port}/?${query}`)
  }
  await open('auto')
  expect((await status(page)).storage).toEqual({
    kind: 'memory',
    persisted: null,
    reason: expect.stringContaining('secure context'),
  })
  expect(await page.evaluate(() => window.dust.persist())).toBeNull()

  await open('require-persistent')
  const refused = await page.evaluate(() =>
    window.store.put('a', 1).then(
      () => undefined,
      ({ name, code, message }) => ({ name, code, message }),
    ),
  )
  expect(refused).toEqual({
    name: 'StorageError',
    code: 'not_persistent',
    message: expect.stringContaining('secure context'),
  })
  await browser.close()
})

test('persist() tells what the browser promises, and the status tells it on', async ({
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await untilSynced(page)
  expect((await status(page)).storage).toEqual({ kind: 'opfs', persisted: false })
  expect(await page.evaluate(() => window.dust.persist())).toBe(false)
  // Chromium grants it to sites that may show notifications.
  await profile.context.grantPermissions(['notifications'], { origin: pageHost.origin })
  const granted = await page.evaluate(() => window.dust.persist())
  await expect.poll(() => status(page)).toMatchObject({ storage: { kind: 'opfs', persisted: granted } })
})

test('files that another page holds are waited for, and the status says so', async ({
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  let page = await newTab(profile)
  await untilSynced(page)
  await page.evaluate(() => window.store.put('kept', 1).committed)
  await page.evaluate(() => window.dust.close())
  // A worker that has the handles without the lock, as a dying page does.
  const holder = await openBarePage(page, pageHost.origin)
  await holder.evaluate(async () => {
    const hold = async () => {
      const root = await navigator.storage.getDirectory()
      for await (const [name, directory] of root.entries()) {
        if (!name.startsWith('.dust-') || !(directory instanceof FileSystemDirectoryHandle)) continue
        const pool = await directory.getDirectoryHandle('.opaque')
        // The page's types lack what only workers have.
        for await (const file of pool.values()) await Reflect.get(file, 'createSyncAccessHandle').call(file)
      }
      postMessage('held')
    }
    const worker = new Worker(URL.createObjectURL(new Blob([`(${hold})()`], { type: 'text/javascript' })))
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve
      worker.onerror = reject
    })
    Object.assign(window, { worker })
  })
  page = await newTab(profile)
  await expect
    .poll(() => page.evaluate(async () => (await window.store.status()).error?.code), {
      message: 'it is told',
    })
    .toBe('storage_busy')
  const reading = page.evaluate(() => window.store.get('kept'))
  await holder.close()
  expect(await reading).toBe(1)
  expect(await status(page)).toMatchObject({ storage: { kind: 'opfs' }, error: null })
})

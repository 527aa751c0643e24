import type { Page } from '@playwright/test'
import { readLog } from './support/raw-client.js'
import { expect, test, untilSynced } from './support/test.js'

const status = (page: Page) => page.evaluate(() => window.store.status())

/** Writes until one is refused; gives how many were taken, and the refusal. */
function fill(page: Page, most: number) {
  return page.evaluate(async (most) => {
    for (let taken = 0; taken < most; taken++) {
      // Chance does not compress.
      const bytes = crypto.getRandomValues(new Uint8Array(30_000))
      const text = btoa(String.fromCharCode(...bytes))
      try {
        await window.store.put(`big/${Date.now()}-${taken}`, text)
      } catch (error) {
        const { name, code, fields, message } = error as {
          name: string
          code: string
          fields: { [name: string]: unknown }
          message: string
        }
        return { taken, refusal: { name, code, fields, message } }
      }
    }
    return { taken: most, refusal: undefined }
  }, most)
}

test('a full disk refuses the write with a typed error, keeps what was taken, and goes on when there is room', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await untilSynced(page)
  await server.stop()
  await expect.poll(() => status(page)).toMatchObject({ connection: 'offline' })
  const { origin } = pageHost
  const cdp = await profile.context.newCDPSession(page)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 24_000_000 })

  const { taken, refusal } = await fill(page, 1_000)
  expect(taken).toBeGreaterThan(10)
  expect(refusal).toEqual({
    name: 'StorageError',
    code: 'quota_exceeded',
    message: expect.stringContaining('no more room'),
    fields: { store: server.store, usage: expect.any(Number), quota: expect.any(Number) },
  })
  // Refused, and not there; the page lives.
  const { count } = (await status(page)).pending
  expect(count).toBe(taken)
  expect(
    await page.evaluate(async () => (await window.store.enum('big/**', { select: 'keys' })).items.length),
  ).toBe(taken)

  await page.reload()
  expect((await status(page)).pending.count).toBe(taken)

  await cdp.send('Storage.overrideQuotaForOrigin', { origin })
  await page.evaluate(() => window.store.put('after', 1))
  await server.start()
  await untilSynced(page)
  expect(await readLog(server)).toHaveLength(taken + 1)
  expect((await page.evaluate(() => window.store.doctor())).ok).toBe(true)
})

test('when what the server sends has filled the disk, writes still fit in the reserve', async ({
  server,
  newProfile,
  newTab,
  pageHost,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await untilSynced(page)
  const { origin } = pageHost
  const cdp = await profile.context.newCDPSession(page)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 30_000_000 })
  const writer = await newTab(await newProfile())
  await untilSynced(writer)
  const { taken } = await fill(writer, 500)
  expect(taken).toBe(500)
  await writer.evaluate(() => window.store.synced())
  const obstacle = () =>
    page.evaluate(async () => {
      const { connection, error } = await window.store.status()
      return { connection, code: error?.code, fields: error?.fields }
    })
  await expect.poll(obstacle).toEqual({
    connection: 'catching-up',
    code: 'quota_exceeded',
    fields: { store: server.store, usage: expect.any(Number), quota: expect.any(Number) },
  })
  // What comes has no room; what is written goes out all the same.
  const before = (await readLog(server)).length
  await page.evaluate(() => window.store.put('mine/first', 1))
  await expect.poll(async () => (await readLog(server)).length).toBe(before + 1)
  await server.stop()
  const written = await page.evaluate(async () => {
    for (let i = 0; i < 20; i++) await window.store.put(`mine/${i}`, i)
    return window.store.get('mine')
  })
  expect(Object.keys(written ?? {})).toHaveLength(21)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin })
  await server.start()
  await untilSynced(page)
  expect((await page.evaluate(() => window.store.doctor())).ok).toBe(true)
})

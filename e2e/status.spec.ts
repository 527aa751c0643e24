import type { Page } from '@playwright/test'
import { expect, test, untilSynced } from './support/test.js'

const status = (page: Page) => page.evaluate(() => window.store.status())

test('status tells storage, connection and pending writes as they are', async ({
  server,
  newProfile,
  newTab,
}) => {
  const page = await newTab(await newProfile())
  await untilSynced(page)
  expect(await status(page)).toMatchObject({
    connection: 'live',
    storage: { kind: 'opfs' },
    pending: { count: 0 },
    lastStoreSeq: 0,
  })

  await page.evaluate(async () => void (await (await window.store.put('a', 1)).committed))
  expect(await status(page)).toMatchObject({ connection: 'live', pending: { count: 0 }, lastStoreSeq: 1 })

  await server.stop()
  await expect.poll(() => status(page)).toMatchObject({ connection: 'offline' })
  await page.evaluate(() => Promise.all([window.store.put('b', 1), window.store.put('c', 1)]).then(() => {}))
  expect(await status(page)).toMatchObject({
    connection: 'offline',
    storage: { kind: 'opfs' },
    pending: { count: 2 },
    lastStoreSeq: 1,
  })

  await server.start()
  await untilSynced(page)
  expect(await status(page)).toMatchObject({
    connection: 'live',
    storage: { kind: 'opfs' },
    pending: { count: 0 },
    lastStoreSeq: 3,
  })
})

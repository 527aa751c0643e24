import { hostPage, TEST_PAGE } from './support/page-host.js'
import { startServer } from './support/server.js'
import { expect, test, untilSynced } from './support/test.js'

test('the page works as the server itself serves it, without cross-origin isolation', async ({
  newProfile,
}) => {
  const server = await startServer({ app: TEST_PAGE })
  try {
    const { context } = await newProfile()
    const page = await context.newPage()
    const query = new URLSearchParams({ url: server.url, token: server.token, store: server.store })
    const response = await page.goto(`${server.httpUrl}/?${query}`)
    const headers = response?.headers() ?? {}
    expect(headers['cross-origin-opener-policy']).toBeUndefined()
    expect(headers['cross-origin-embedder-policy']).toBeUndefined()
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)

    await untilSynced(page)
    await page.evaluate(async () => void (await (await window.store.put('a', 1)).committed))
    expect(await page.evaluate(() => window.store.status())).toMatchObject({
      storage: { kind: 'opfs' },
      connection: 'live',
    })
  } finally {
    await server.dispose()
  }
})

test('the page works under a Content-Security-Policy that only adds wasm-unsafe-eval', async ({
  server,
  newProfile,
}) => {
  // On every file: a worker obeys the policy that came with its own script, not the page's.
  const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src data:; connect-src 'self' ${server.url}/`
  const host = await hostPage(TEST_PAGE, { 'content-security-policy': policy })
  try {
    const { context } = await newProfile()
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    const query = new URLSearchParams({ url: server.url, token: server.token, store: server.store })
    await page.goto(`${host.origin}/?${query}`)

    await untilSynced(page)
    await page.evaluate(async () => void (await (await window.store.put('a', 1)).committed))
    expect(await page.evaluate(() => window.store.status())).toMatchObject({
      storage: { kind: 'opfs' },
      connection: 'live',
    })
    expect(complaints).toEqual([])
  } finally {
    await host.close()
  }
})

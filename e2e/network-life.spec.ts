import type { Page } from '@playwright/test'
import { TEST_PAGE } from './support/page-host.js'
import { connectRaw } from './support/raw-client.js'
import { openRoughNetwork, type RoughNetwork } from './support/rough-network.js'
import { startServer } from './support/server.js'
import { test as base, expect, untilSynced } from './support/test.js'

// What networks do to a connection (docs/failure-modes.md C21, C22, C26). The page comes from the server itself, over the
// same network.

interface Fixtures {
  readonly network: RoughNetwork
  readonly page: Page
}

const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
  server: async ({}, use) => {
    const server = await startServer({ app: TEST_PAGE })
    await use(server)
    await server.dispose()
  },
  network: async ({ server }, use) => {
    const network = await openRoughNetwork(server.httpUrl)
    await use(network)
    await network.close()
  },
  page: async ({ server, network, newProfile }, use) => {
    const page = await (await newProfile()).context.newPage()
    const url = `${network.origin.replace('http', 'ws')}/ws/sync`
    const query = new URLSearchParams({ url, token: server.token, store: server.store })
    await page.goto(`${network.origin}/?${query}`)
    await untilSynced(page)
    await use(page)
  },
})

const statusOf = (page: Page) =>
  page.evaluate(async () => {
    const { error, ...status } = await window.store.status()
    // Errors lose their fields on the way out of the page.
    return { ...status, error: error && { name: error.name, code: error.code, fields: error.fields } }
  })

test('a captive portal is told as such, writes wait, and all goes on when it lets us through', async ({
  network,
  page,
}) => {
  network.portal = true
  await page.evaluate(() => window.store.put('k', 1))
  await expect
    .poll(() => statusOf(page))
    .toMatchObject({
      connection: 'offline',
      pending: { count: 1, heldBy: 'no-network' },
      error: { name: 'UnavailableError', code: 'unavailable', fields: { reason: 'captive_portal' } },
    })
  network.portal = false
  await untilSynced(page)
})

test('a proxy that cuts idle connections after 30 s finds none', async ({ network, page }) => {
  test.setTimeout(120_000)
  network.idleMs = 30_000
  const { since } = await statusOf(page)
  await expect.poll(() => Date.now() - since, { timeout: 90_000 }).toBeGreaterThan(65_000)
  expect(await statusOf(page)).toMatchObject({ connection: 'live', since })
})

test('a proxy that cuts idle connections sooner than that costs a moment, not a write', async ({
  network,
  page,
}) => {
  test.setTimeout(60_000)
  network.idleMs = 2_000
  await expect.poll(() => network.idleCuts, { timeout: 20_000 }).toBeGreaterThan(2)
  await page.evaluate(() => window.store.put('k', 1).committed)
  network.idleMs = Number.POSITIVE_INFINITY
  await untilSynced(page)
})

test('2 kB/s: a catch-up of more than half a minute goes through on one connection', async ({
  network,
  page,
}) => {
  test.setTimeout(180_000)
  await page.evaluate(async () => {
    const values = Array.from({ length: 160 }, (_, i) => [`e${i}`, `${i} ${'x'.repeat(400)}`])
    await window.store.merge('all', Object.fromEntries(values)).committed
  })
  network.bytesPerSecond = 2_000
  const states = await page.evaluate(async () => {
    const query = new URLSearchParams(location.search)
    const [url = '', token = '', store = ''] = ['url', 'token', 'store'].map((name) => query.get(name) ?? '')
    const other = window.createDust({ url, token, name: 'slow-and-new' })
    const seen: string[] = []
    await new Promise<void>((resolve) => {
      other.onStatus(store, ({ connection }) => {
        if (seen.at(-1) !== connection) seen.push(connection)
        if (connection === 'live') resolve()
      })
    })
    const { items } = await other.enum(store, 'all/*')
    await other.close()
    return [...seen, items.length]
  })
  expect(states).toEqual(['connecting', 'catching-up', 'live', 160])
})

test('C22 nobody is signed in: writes are kept and held by needs-auth; a sign-in sends them', async ({
  page,
}) => {
  const held = await page.evaluate(async () => {
    const query = new URLSearchParams(location.search)
    const [url = '', token = '', store = ''] = ['url', 'token', 'store'].map((name) => query.get(name) ?? '')
    const session: { token: string | null; asked: number } = { token: null, asked: 0 }
    const other = window.createDust({
      url,
      name: 'signed-out',
      token() {
        session.asked += 1
        return session.token && { token: session.token, expiresAt: Date.now() + 3_600_000 }
      },
    })
    await other.put(store, 'from/signed-out', 1)
    const status = await new Promise<{ heldBy: unknown; connection: unknown }>((resolve) => {
      other.onStatus(store, ({ pending, connection }) => {
        if (pending.heldBy === 'needs-auth') resolve({ heldBy: pending.heldBy, connection })
      })
    })
    session.token = token
    other.reconnect()
    await other.synced(store, { timeoutMs: 10_000 })
    await other.close()
    return { ...status, asked: session.asked }
  })
  expect(held).toMatchObject({ heldBy: 'needs-auth', connection: 'refused' })
  expect(held.asked).toBeLessThan(5)
  await expect.poll(() => page.evaluate(() => window.store.get('from/signed-out'))).toBe(1)
})

test('C22 a token is replaced over the open connection before it expires', async ({ server, page }) => {
  test.setTimeout(60_000)
  // A token of 20 s is replaced after 15; the connection outlives it.
  const short = await server.newToken(20)
  const tokens = [short, await server.newToken(3_600)]
  const other = await page.evaluateHandle((tokens) => {
    const query = new URLSearchParams(location.search)
    const [url = '', store = ''] = ['url', 'store'].map((name) => query.get(name) ?? '')
    const states: string[] = []
    const seen = { asked: 0, states }
    const dust = window.createDust({
      url,
      name: 'short-lived',
      token() {
        const token = tokens[Math.min(seen.asked, 1)] ?? ''
        seen.asked += 1
        return { token, expiresAt: Date.now() + (seen.asked === 1 ? 20_000 : 3_600_000) }
      },
    })
    dust.onStatus(store, ({ connection }) => {
      if (states.at(-1) !== connection) states.push(connection)
    })
    return { dust, store, seen }
  }, tokens)
  const isLetIn = () =>
    connectRaw({ ...server, token: short }, 'e2e-short').then(
      (client) => {
        client.close()
        return true
      },
      () => false,
    )
  await expect.poll(isLetIn, { timeout: 40_000 }).toBe(false)
  const result = await other.evaluate(async ({ dust, store, seen }) => {
    await dust.put(store, 'late', 1).committed
    await dust.close()
    return seen
  })
  expect(result).toEqual({ asked: 2, states: ['connecting', 'catching-up', 'live'] })
})

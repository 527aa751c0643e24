import type { ServerResponse } from 'node:http'
import type { Page } from '@playwright/test'
import { hostPage, type Intercept, TEST_PAGE } from './support/page-host.js'
import { expect, test, untilSynced } from './support/test.js'

// The worker is a file of its own, and files are not always there: a deploy is under way, a network fails, a portal
// answers in the host's place, a policy forbids it.

interface Opened {
  readonly page: Page
  /** How often the worker's file was asked for. */
  readonly asked: () => number
}

const openWith = test.extend<{
  open: (options: {
    readonly headers?: Record<string, string>
    /** What the first requests for the worker's file are answered with, each. */
    readonly failures?: readonly ((response: ServerResponse) => void)[]
  }) => Promise<Opened>
}>({
  open: async ({ server, newProfile }, use) => {
    const hosts: { close(): Promise<void> }[] = []
    await use(async ({ headers = {}, failures = [] }) => {
      let asked = 0
      const intercept: Intercept = ({ url = '' }, response) => {
        if (!url.includes('worker')) return false
        const failure = failures[asked++]
        failure?.(response)
        return failure !== undefined
      }
      const host = await hostPage(TEST_PAGE, headers, intercept)
      hosts.push(host)
      const page = await (await newProfile()).context.newPage()
      const query = new URLSearchParams({ url: server.url, token: server.token, store: server.store })
      await page.goto(`${host.origin}/?${query}`)
      return { page, asked: () => asked }
    })
    await Promise.all(hosts.map((host) => host.close()))
  },
})

const failures = {
  'is not there': (response: ServerResponse) => void response.writeHead(404).end(),
  'is answered for by a captive portal': (response: ServerResponse) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Please sign in</h1>'),
  'does not arrive': (response: ServerResponse) => void response.destroy(),
}

for (const [name, fail] of Object.entries(failures)) {
  openWith(
    `the worker's file ${name} for some time: calls wait, the status says why, and all of it works then`,
    async ({ open }) => {
      const { page, asked } = await open({ failures: [fail, fail, fail] })
      await page.evaluate(() => {
        window.store.live('k', ({ nodes }) => {
          document.title = String(nodes[0]?.value)
        })
        void window.store.put('k', 'written early')
      })
      // An error does not travel whole.
      const status = () =>
        page.evaluate(async () => {
          const { connection, storage, error } = await window.store.status()
          return { connection, storage: storage.kind, error: error?.code ?? null }
        })
      await expect
        .poll(status, { intervals: [50] })
        .toEqual({ connection: 'offline', storage: 'unavailable', error: 'unavailable' })
      await expect.poll(() => page.title()).toBe('written early')
      await untilSynced(page)
      expect(await status()).toEqual({ connection: 'live', storage: 'opfs', error: null })
      expect(asked()).toBe(4)
    },
  )
}

openWith(
  "the page's policy forbids the worker: calls say so at once, and it is not tried again",
  async ({ open }) => {
    const { page, asked } = await open({ headers: { 'content-security-policy': "worker-src 'none'" } })
    const outcome = () =>
      page.evaluate(() =>
        window.store.get('k').then(
          () => 'served',
          ({ code, message }) => ({ code, message }),
        ),
      )
    const refused = { code: 'unavailable', message: expect.stringContaining('Content-Security-Policy') }
    expect(await outcome()).toEqual(refused)
    expect(await page.evaluate(() => window.store.status())).toMatchObject({
      storage: { kind: 'unavailable', reason: refused.message },
    })
    await page.evaluate(() => window.dispatchEvent(new Event('online')))
    expect(await outcome()).toEqual(refused)
    expect(asked()).toBe(0)
  },
)

openWith('the worker lies on another origin: calls say so at once', async ({ open }) => {
  const { page } = await open({})
  const message = await page.evaluate(async () => {
    const query = new URLSearchParams(location.search)
    const dust = window.createDust({
      url: query.get('url') ?? '',
      token: 't',
      name: 'elsewhere',
      workerUrl: 'http://localhost:1/worker.js',
    })
    return dust.get('acme/app', 'k').catch(({ code, message }) => `${code}: ${message}`)
  })
  expect(message).toMatch(/^unavailable: .*cannot be started.*own origin/)
})

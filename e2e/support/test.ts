import { test as base, expect, type Page } from '@playwright/test'
import { openProfile, type Profile } from './browser.js'
import { type Link, openLink } from './link.js'
import { hostPage, type PageHost, TEST_PAGE } from './page-host.js'
import { type DustServer, startServer } from './server.js'

export { expect }

interface TabOptions {
  readonly url?: string
  readonly format?: 'json' | 'msgpack'
  readonly storage?: 'auto' | 'require-persistent' | 'indexeddb' | 'memory'
}

interface TestFixtures {
  /** A Dust server of the test's own. */
  readonly server: DustServer
  /** A watched wire to it. */
  readonly link: Link
  /** Starts a browser with a fresh profile. */
  readonly newProfile: () => Promise<Profile>
  /** Opens the test page in a new tab, connected over `url` (the server's own, unless told). */
  readonly newTab: (profile: Profile, options?: TabOptions) => Promise<Page>
}

interface WorkerFixtures {
  readonly pageHost: PageHost
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  pageHost: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
    async ({}, use) => {
      const host = await hostPage(TEST_PAGE)
      await use(host)
      await host.close()
    },
    { scope: 'worker' },
  ],

  // biome-ignore lint/correctness/noEmptyPattern: see above.
  server: async ({}, use) => {
    const server = await startServer()
    await use(server)
    await server.dispose()
  },

  link: async ({ server }, use) => {
    const link = await openLink(server.url)
    await use(link)
    await link.close()
  },

  newProfile: async ({ launchOptions }, use) => {
    const profiles: Profile[] = []
    await use(async () => {
      const profile = await openProfile(launchOptions)
      profiles.push(profile)
      return profile
    })
    await Promise.all(profiles.map((profile) => profile.dispose()))
  },

  newTab: async ({ server, pageHost }, use) => {
    const uncaught: Error[] = []
    await use(async (profile, { url = server.url, format = 'json', storage = 'auto' } = {}) => {
      const page = await profile.context.newPage()
      page.on('pageerror', (error) => uncaught.push(error))
      const query = new URLSearchParams({ url, token: server.token, store: server.store, format, storage })
      await page.goto(`${pageHost.origin}/?${query}`)
      return page
    })
    expect(uncaught, 'errors that no code of the page has caught').toEqual([])
  },
})

/** Waits until the tab has everything the server has, and the server everything the tab has. */
export async function untilSynced(page: Page): Promise<void> {
  await expect
    .poll(() => page.evaluate(() => window.store.status()), { message: 'live, with nothing pending' })
    .toMatchObject({ connection: 'live', pending: { count: 0 } })
}

import { test as base, expect } from '@playwright/test'
import { type Link, openLink } from '../support/link.js'
import { hostPage, type PageHost, TEST_PAGE } from '../support/page-host.js'
import { type DustServer, startServer } from '../support/server.js'
import type { Engine, EngineName, EngineProfile, ProfileOptions } from './driver/engine.js'
import { openEngine } from './driver/installed.js'
import { CHOICES, type StorageChoice } from './storage-choice.js'
import { type Frame, type Tab, tabOf } from './tab.js'

/** What a scenario plays with. Its page has an origin of its own, so that browsers serve many scenarios. */
export interface World {
  readonly engine: Engine
  /** What the page asks for: the best there is, or a lower rung of the ladder. */
  readonly storage: StorageChoice
  readonly server: DustServer
  /** A watched wire to the server. */
  readonly link: Link
  /** Where the test page is served. */
  readonly origin: string
  /** Serves the test page from another origin, with these headers on every file. */
  host(headers: Readonly<Record<string, string>>): Promise<string>
  browser(which: BrowserName): Promise<EngineProfile>
  /** The address of the test page, connected over the link. */
  address(options?: PageOptions): string
  /** By default at the test page, in the first browser. */
  openTab(options?: { readonly in?: BrowserName; readonly url?: string }): Promise<Tab>
}

/** The browsers that there are, each with a profile of its own. */
const BROWSERS = {
  first: {},
  second: {},
  private: { private: true },
  strict: { blocksThirdParties: true },
} satisfies Record<string, ProfileOptions>

export type BrowserName = keyof typeof BROWSERS

export interface PageOptions {
  readonly origin?: string
  readonly format?: 'json' | 'msgpack'
  /** The server's own address in place of the link's. */
  readonly url?: string
}

interface WorkerFixtures {
  readonly engineName: EngineName
  readonly storage: StorageChoice
  readonly engine: Engine
  readonly browsers: (which: BrowserName) => Promise<EngineProfile>
}

export const test = base.extend<{ world: World }, WorkerFixtures>({
  engineName: ['chromium', { option: true, scope: 'worker' }],
  storage: ['auto', { option: true, scope: 'worker' }],

  engine: [
    async ({ engineName, launchOptions }, use) => {
      await use(openEngine(engineName, launchOptions))
    },
    { scope: 'worker' },
  ],

  // Kept over tests, because starting Firefox takes seconds. After a failed test Playwright begins anew.
  browsers: [
    async ({ engine }, use) => {
      const profiles = new Map<BrowserName, Promise<EngineProfile>>()
      await use((which) => {
        const profile = profiles.get(which) ?? engine.openProfile(BROWSERS[which])
        profiles.set(which, profile)
        return profile
      })
      for (const profile of profiles.values()) await (await profile).dispose()
    },
    { scope: 'worker' },
  ],

  world: async ({ engine, storage, browsers }, use, testInfo) => {
    const server = await startServer()
    const link = await openLink(server.url)
    const hosts: PageHost[] = []
    const tabs: Tab[] = []
    const host = async (headers: Readonly<Record<string, string>>) => {
      const page = await hostPage(TEST_PAGE, headers)
      hosts.push(page)
      return page.origin
    }
    const origin = await host({})
    const address = ({ origin: at = origin, format = 'json', url = link.url }: PageOptions = {}) => {
      const query = new URLSearchParams({ url, token: server.token, store: server.store, format, storage })
      return `${at}/?${query}`
    }
    const first = await browsers('first')
    const column = storage === 'auto' ? first.version : `${first.version}, ${CHOICES[storage]}`
    testInfo.annotations.push({ type: 'engine', description: column })
    await use({
      engine,
      storage,
      server,
      link,
      origin,
      host,
      address,
      browser: browsers,
      async openTab({ in: which = 'first', url = address() } = {}) {
        const tab = tabOf(await (await browsers(which)).openTab(url))
        tabs.push(tab)
        return tab
      },
    })
    // Tabs that the scenario has closed, or that have gone with their browser, have nothing to say and to close.
    const uncaught = (tab: Tab) => tab.run(() => window.uncaught ?? []).catch(() => [])
    for (const tab of tabs)
      expect(await uncaught(tab), 'errors that no code of the page has caught').toEqual([])
    for (const tab of tabs) await tab.close().catch(() => undefined)
    await link.close()
    await server.dispose()
    for (const page of hosts) await page.close()
  },
})

/** Waits until the tab has everything the server has, and the server everything the tab has. */
export async function untilSynced(tab: Frame): Promise<void> {
  await expect
    .poll(() => tab.run(() => window.store.status()), { message: 'live, with nothing pending' })
    .toMatchObject({ connection: 'live', pending: { count: 0 } })
}

import type { LaunchOptions } from '@playwright/test'
import { openProfile, type Profile } from '../support/browser.js'
import { hostPage, TEST_PAGE } from '../support/page-host.js'
import { type DustServer, startServer } from '../support/server.js'
import { createLedger, type Ledger } from './ledger.js'
import type { Random } from './random.js'
import { createTabs, type Tabs } from './tabs.js'
import { answerOf } from './until.js'
import { openWire, type Wire } from './wire.js'

/** What a phase plays in: one server, one person's browser, the network between them, and what is known of it all. */
export interface World {
  readonly server: DustServer
  readonly wire: Wire
  readonly profile: Profile
  readonly tabs: Tabs
  readonly ledger: Ledger
  /** Where the app's page is, connected over the wire. */
  readonly address: string
  /** SIGKILLs the browser and starts it again, with no tab of the app. */
  crashBrowser(): Promise<void>
  /** Starts a browser that has never been here. */
  openOther(): Promise<Profile>
  dispose(): Promise<void>
}

export async function openWorld(launchOptions: LaunchOptions, random: Random): Promise<World> {
  const server = await startServer()
  const [wire, host] = await Promise.all([openWire(server.url), hostPage(TEST_PAGE)])
  const profiles: Profile[] = []
  const openOther = async () => {
    const profile = await openProfile(launchOptions)
    profiles.push(profile)
    return profile
  }
  const profile = await openOther()
  const query = new URLSearchParams({ url: wire.url, token: server.token, store: server.store })
  const address = `${host.origin}/?${query}`
  const ledger = createLedger()
  const tabs = createTabs(address, ledger, random)
  await tabs.enter(profile.context)
  return {
    server,
    wire,
    profile,
    tabs,
    ledger,
    address,
    async crashBrowser() {
      for (const tab of tabs.alive()) tab.end()
      await profile.crash()
      await tabs.enter(profile.context)
    },
    openOther,
    async dispose() {
      await Promise.all(profiles.map(end))
      await Promise.all([server.dispose(), wire.close(), host.close()])
    },
  }
}

/** Closes the browser; one that does not close is killed. */
async function end(profile: Profile): Promise<void> {
  const closed = profile.context.close().then(() => true)
  if (!(await answerOf(closed, 10_000))) await profile.crash()
  await profile.dispose()
}

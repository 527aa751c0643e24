import type { Page } from '@playwright/test'
import { openProfile, type Profile } from './support/browser.js'
import { hostPage, TEST_PAGE } from './support/page-host.js'
import { test as base, expect, untilSynced } from './support/test.js'
import {
  openUnwatchedBrowser,
  type UnwatchedBrowser,
  type UnwatchedTab,
} from './support/unwatched-browser.js'

/**
 * What Chromium really does with tabs: the back/forward cache, freezing and discarding. `tab-life.spec.ts` only sends
 * the events.
 */
const test = base.extend<
  { unwatched: UnwatchedBrowser; openUnwatched: (name: string) => Promise<UnwatchedTab> },
  object
>({
  pageHost: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
    async ({}, use) => {
      // Chromium caches no page that came with `no-store` and has had a socket.
      const host = await hostPage(TEST_PAGE, { 'cache-control': 'no-cache' })
      await use(host)
      await host.close()
    },
    { scope: 'worker' },
  ],

  newProfile: async ({ launchOptions }, use) => {
    const profiles: Profile[] = []
    await use(async () => {
      // Playwright turns it off.
      const ignoreDefaultArgs = ['--disable-back-forward-cache']
      const profile = await openProfile({ ...launchOptions, ignoreDefaultArgs })
      profiles.push(profile)
      return profile
    })
    await Promise.all(profiles.map((profile) => profile.dispose()))
  },

  unwatched: async ({ launchOptions }, use) => {
    const browser = await openUnwatchedBrowser(launchOptions)
    await use(browser)
    await browser.dispose()
  },

  openUnwatched: async ({ unwatched, server, pageHost }, use) => {
    await use(async (name) => {
      const query = new URLSearchParams({ url: server.url, token: server.token, store: server.store, name })
      const tab = await unwatched.openTab(`${pageHost.origin}/?${query}`)
      await expect.poll(() => statusOf(tab)).toMatchObject({ connection: 'live', pending: { count: 0 } })
      return tab
    })
  },
})

// Recording runs scripts in every page, and Chromium drops a cached page in which a script runs.
test.use({ trace: 'off' })

const leads = (page: Page) => page.evaluate(async () => (await window.store.status()).leader)
const statusOf = (tab: UnwatchedTab) => tab.run(() => window.store.status())

declare global {
  interface Window {
    /** How long each write of `count` took, in ms. */
    took: number[]
    /** What a `watch` of the counter was told, as the server had it. */
    watched: unknown[]
    /** The newest result of a live query of the counter. */
    live: unknown
    /** Whether each `pageshow` brought the page out of the cache. */
    shown: boolean[]
    /** Signs of life of other tabs' pages and workers. */
    ticks: Record<string, number>
  }
}

/** Counts up, one call after the other; `took` says how far it is. */
function count(total: number): Promise<void> {
  window.took = []
  return (async () => {
    for (let done = 0; done < total; done++) {
      const start = performance.now()
      await window.store.increment('n')
      window.took.push(performance.now() - start)
    }
  })()
}

/** Registers what must go on. */
function listen(): void {
  window.watched = []
  window.shown = []
  window.store.watch('n', ({ value }) => void window.watched.push(value), { mode: 'committed' })
  window.store.live('n', ({ nodes }) => {
    window.live = nodes[0]?.value
  })
  window.addEventListener('pageshow', ({ persisted }) => void window.shown.push(persisted))
}

/** Whether each number is greater than the one before: nothing was told twice or out of order. */
const ascends = (values: readonly unknown[]): boolean =>
  values.every((value, i) => i === 0 || (value as number) > (values[i - 1] as number))

/** Another leader is there before anybody has to depose the one before, which takes three seconds. */
const SOON_MS = 2_000

test.describe('pain 13: the leading tab is put into the back/forward cache', () => {
  /** As the browser's own button does: Playwright's `goBack` waits for a load, which there need not be. */
  async function goBack(page: Page): Promise<{ restored: boolean; reasons: string[] }> {
    const session = await page.context().newCDPSession(page)
    const reasons: string[] = []
    session.on('Page.backForwardCacheNotUsed', ({ notRestoredExplanations }) => {
      reasons.push(...notRestoredExplanations.map(({ type, reason }) => `${type}: ${reason}`))
    })
    const back = new Promise<string>((resolve) =>
      session.once('Page.frameNavigated', ({ type }) => resolve(type)),
    )
    await session.send('Page.enable')
    const { entries, currentIndex } = await session.send('Page.getNavigationHistory')
    // There is one: the test has just left it.
    const { id } = entries[currentIndex - 1] as { id: number }
    await session.send('Page.navigateToHistoryEntry', { entryId: id })
    const restored = (await back) === 'BackForwardCacheRestore'
    await expect.poll(() => page.evaluate(() => 'store' in window).catch(() => false)).toBe(true)
    if (restored) await expect.poll(() => page.evaluate(() => window.shown)).toEqual([true])
    return { restored, reasons }
  }

  /** The first leads. */
  async function openTwo(open: () => Promise<Page>): Promise<[Page, Page]> {
    const first = await open()
    await untilSynced(first)
    return [first, await open()]
  }

  /** One tab leads and goes away, another one counts all the time, and the first comes back. */
  async function goAndComeBack(
    leader: Page,
    follower: Page,
    away: string,
  ): Promise<{ restored: boolean; reasons: string[] }> {
    await untilSynced(follower)
    expect([await leads(leader), await leads(follower)]).toEqual([true, false])
    await leader.evaluate(listen)
    const before = Number((await leader.evaluate(() => window.store.get('n'))) ?? 0)
    const own = leader.evaluate(count, 5)
    const counting = follower.evaluate(count, 300)
    await own
    await expect.poll(() => follower.evaluate(() => window.took.length)).toBeGreaterThan(20)

    await leader.goto(away)
    await counting
    const slowest = Math.max(...(await follower.evaluate(() => window.took)))
    expect(slowest, 'ms that a write of the other tab took at most').toBeLessThan(SOON_MS)

    const cache = await goBack(leader)
    if (!cache.restored) await leader.evaluate(listen)
    await leader.evaluate(count, 20)
    const total = before + 325
    await expect.poll(() => leader.evaluate(() => window.live)).toBe(total)
    await expect.poll(() => leader.evaluate(() => window.watched.at(-1))).toBe(total)
    const watched = await leader.evaluate(() => window.watched)
    expect(ascends(watched), `told in order, each once: ${watched}`).toBe(true)
    await untilSynced(leader)
    expect(await follower.evaluate(() => window.store.get('n'))).toBe(total)
    return cache
  }

  test('by going to a page without Dust: others go on at once, and it comes back as a follower', async ({
    newProfile,
    newTab,
    pageHost,
  }) => {
    test.setTimeout(120_000)
    const profile = await newProfile()
    const refusals: string[] = []
    // Chromium may drop a page that it has cached at any time; on a busy machine it sometimes does.
    for (let tries = 0; tries < 5; tries++) {
      const [leader, follower] = await openTwo(() => newTab(profile))
      const { restored, reasons } = await goAndComeBack(leader, follower, `${pageHost.origin}/blank.html`)
      if (restored) return
      refusals.push(...reasons)
      await Promise.all([leader.close(), follower.close()])
    }
    throw new Error(`Chromium never took the page out of its back/forward cache: ${refusals.join(', ')}`)
  })

  test('by going to another page with Dust: others go on at once, and it works when it comes back', async ({
    newProfile,
    newTab,
    pageHost,
  }) => {
    const profile = await newProfile()
    const [leader, follower] = await openTwo(() => newTab(profile))
    const { search } = new URL(leader.url())
    // With so much going on, Chromium may or may not keep the page (docs/browsers.md).
    await goAndComeBack(leader, follower, `${pageHost.origin}/${search}&page=2`)
  })

  test('and is alone: it comes back as it was, with what it had not sent', async ({
    newProfile,
    newTab,
    pageHost,
  }) => {
    const profile = await newProfile()
    const page = await newTab(profile)
    await untilSynced(page)
    await page.evaluate(listen)
    await page.evaluate(() => window.dust.setOnline(false))
    await page.evaluate(count, 10)
    await page.goto(`${pageHost.origin}/blank.html`)
    expect(await goBack(page)).toEqual({ restored: true, reasons: [] })
    await page.evaluate(count, 10)
    await expect.poll(() => page.evaluate(() => window.live)).toBe(20)
    await page.evaluate(() => window.dust.setOnline(true))
    await untilSynced(page)
    expect(await page.evaluate(() => window.store.status())).toMatchObject({ leader: true, error: null })
    const watched = await page.evaluate(() => window.watched)
    expect(ascends(watched), `told in order, each once: ${watched}`).toBe(true)
  })
})

/** A page and a worker of its own that say all the time that they run. */
function tick(name: string): void {
  const say = (who: string) =>
    `const channel = new BroadcastChannel('ticks'); setInterval(() => channel.postMessage(${JSON.stringify(who)}), 100)`
  new Worker(URL.createObjectURL(new Blob([say(`${name}: worker`)])))
  const channel = new BroadcastChannel('ticks')
  setInterval(() => channel.postMessage(`${name}: page`), 100)
}

function hearTicks(): void {
  window.ticks = {}
  new BroadcastChannel('ticks').onmessage = ({ data }) => {
    window.ticks[data] = (window.ticks[data] ?? 0) + 1
  }
}

/** Who has shown signs of life within two seconds. */
async function living(observer: UnwatchedTab): Promise<string[]> {
  return observer.run(async () => {
    window.ticks = {}
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    return Object.keys(window.ticks).sort()
  })
}

const heldLocks = (tab: UnwatchedTab) =>
  tab.run(async () => (await navigator.locks.query()).held?.map(({ name }) => name ?? '') ?? [])

/** Starts to count, without waiting for it. */
const startCounting = (tab: UnwatchedTab, total: number) =>
  tab.run((total) => {
    window.took = []
    void (async () => {
      while (window.took.length < total) {
        const start = performance.now()
        await window.store.increment('n')
        window.took.push(performance.now() - start)
      }
    })()
  }, total)
const counted = (tab: UnwatchedTab) => tab.run(() => window.took.length)
const value = (tab: UnwatchedTab) => tab.run(() => window.store.get('n'))

test.describe('pain 13: the leading tab, in the background,', () => {
  test('is frozen: nothing of it runs, another goes on at once, and it follows when it is thawed', async ({
    openUnwatched,
  }) => {
    const leader = await openUnwatched('leader')
    await leader.run(listen)
    await leader.run(tick, 'leader')
    const other = await openUnwatched('other')
    await other.run(hearTicks)
    expect(await leader.run(() => document.visibilityState)).toBe('hidden')
    expect(await living(other)).toEqual(['leader: page', 'leader: worker'])
    expect([(await statusOf(leader)).leader, (await statusOf(other)).leader]).toEqual([true, false])
    // Both are in the middle of something.
    await startCounting(leader, 2_000)
    await startCounting(other, 2_000)

    await leader.freeze()
    const before = await counted(other)
    expect(await living(other)).toEqual([])
    await expect.poll(() => counted(other)).toBeGreaterThan(before)
    expect((await statusOf(other)).leader).toBe(true)
    // Nothing is held for it: its leader's lock, its files, its worker.
    const workers = (await heldLocks(other)).filter((name) => name.startsWith('dust:worker:'))
    expect(workers).toHaveLength(1)
    expect(Math.max(...(await other.run(() => window.took)))).toBeLessThan(SOON_MS)

    await leader.activate()
    await expect.poll(() => leader.run(() => document.visibilityState)).toBe('visible')
    await expect.poll(() => counted(leader), { timeout: 30_000 }).toBe(2_000)
    await expect.poll(() => counted(other), { timeout: 30_000 }).toBe(2_000)
    expect((await statusOf(leader)).leader).toBe(false)
    await expect.poll(() => leader.run(() => window.live)).toBe(4_000)
    expect([await value(leader), await value(other)]).toEqual([4_000, 4_000])
    expect(ascends(await leader.run(() => window.watched))).toBe(true)
    await expect.poll(() => statusOf(leader)).toMatchObject({ connection: 'live', pending: { count: 0 } })
  })

  test('is discarded: another goes on at once, and everything is there when its tab is shown again', async ({
    openUnwatched,
  }) => {
    const leader = await openUnwatched('leader')
    await leader.run(tick, 'leader')
    const other = await openUnwatched('other')
    await other.run(hearTicks)
    await startCounting(leader, 100_000)
    await startCounting(other, 1_000)

    await leader.discard()
    await expect.poll(() => counted(other), { timeout: 30_000 }).toBe(1_000)
    expect(await living(other)).toEqual([])
    expect(Math.max(...(await other.run(() => window.took)))).toBeLessThan(SOON_MS)
    expect((await statusOf(other)).leader).toBe(true)

    await leader.activate()
    await expect
      .poll(() => leader.run(() => 'wasDiscarded' in document && document.wasDiscarded).catch(() => false))
      .toBe(true)
    // It is loaded anew, and may be asked before its script has run.
    await expect
      .poll(() => statusOf(leader).catch(() => undefined))
      .toMatchObject({ leader: false, connection: 'live' })
    const total = await value(other)
    expect(total).toBeGreaterThan(1_000)
    expect(await value(leader)).toBe(total)
    await startCounting(leader, 10)
    await expect.poll(() => value(other)).toBe((total as number) + 10)
  })
})

import { setTimeout as wait } from 'node:timers/promises'
import type { Browser } from '@playwright/test'
import { auditDisk } from './audit.js'
import type { Fault, LeaderFault } from './schedule.js'
import type { ChaosTab } from './tabs.js'
import { answerOf, until, within } from './until.js'
import type { World } from './world.js'

/** When a fault struck: between two moments of the machine's clock, ms. */
export interface Strike {
  readonly fault: Fault
  readonly from: number
  readonly to: number
}

/** More than any page takes, and less than `within` gives the whole fault. */
const LOADED_MS = 15_000

/** Makes it happen, and resolves when it has passed; what has to come right again after it is not waited for. */
export async function strike(world: World, fault: Fault): Promise<Strike> {
  switch (fault.kind) {
    case 'leader': {
      const leader = await world.tabs.leader()
      return timed(fault, (struck) => loseLeader(world, leader, fault, struck))
    }
    case 'follower closed': {
      const leader = await world.tabs.leader()
      const follower = world.tabs.alive().find((tab) => tab !== leader)
      return timed(fault, async () => {
        if (follower) await close(follower)
      })
    }
    case 'renderer':
      return timed(fault, () => killRenderer(world, fault.which))
    case 'browser':
      return timed(fault, () => killBrowser(world, fault))
    case 'server':
      return timed(fault, async () => {
        await world.server.kill()
        await wait(fault.downMs)
        await world.server.start()
      })
    case 'network':
      return timed(fault, () => disturb(world, fault))
  }
}

async function timed(fault: Fault, run: (struck: () => void) => Promise<void>): Promise<Strike> {
  const from = Date.now()
  let to: number | undefined
  await run(() => {
    to = Date.now()
  })
  return { fault, from, to: to ?? Date.now() }
}

async function close(tab: ChaosTab): Promise<void> {
  tab.end()
  // Playwright is not always told of the end of a page that has just changed its document; nothing depends on it.
  await answerOf(tab.page.close(), 5_000)
}

async function loseLeader(
  world: World,
  tab: ChaosTab,
  { how, forMs }: { readonly how: LeaderFault; readonly forMs: number },
  struck: () => void,
): Promise<void> {
  const { page } = tab
  switch (how) {
    case 'closed':
      return close(tab)
    case 'navigated':
      tab.end()
      await within(
        'another page is there',
        page.goto(new URL('/blank.html', world.address).href, { waitUntil: 'commit' }),
        LOADED_MS,
      )
      struck()
      return close(tab)
    case 'reloaded':
      tab.end()
      // The app starts again in the same tab, while the others take over. Its writer does not.
      await within('the page is loaded again', page.reload({ waitUntil: 'commit' }), LOADED_MS)
      struck()
      await until('the app is back after a reload', () => answerOf(runsApp(tab), 1_000))
      return close(tab)
    case 'crashed': {
      const crashed = page.waitForEvent('crash')
      const session = await page.context().newCDPSession(page)
      tab.end()
      // It is never answered.
      session.send('Page.crash').catch(() => undefined)
      await crashed
      return
    }
    case 'worker ended':
      await endWorkers(tab)
      return
    case 'worker hung': {
      const hung = page.workers().map((worker) => answerOf(worker.evaluate(keepBusy, forMs), 2 * forMs))
      // By now it has reached the worker.
      await wait(100)
      struck()
      await Promise.all(hung)
      return
    }
    case 'frozen': {
      const session = await page.context().newCDPSession(page)
      tab.asleep = true
      await session.send('Page.setWebLifecycleState', { state: 'frozen' })
      struck()
      await wait(forMs)
      await session.send('Page.setWebLifecycleState', { state: 'active' })
      tab.asleep = false
      await session.detach()
    }
  }
}

const runsApp = (tab: ChaosTab): Promise<boolean> =>
  tab.page.evaluate(async () => (await window.store.status()).store !== '')

async function endWorkers({ page }: ChaosTab): Promise<void> {
  const workers = page.workers()
  const ended = workers.map((worker) => worker.waitForEvent('close'))
  // They are gone before they can answer.
  for (const worker of workers) worker.evaluate(() => self.close()).catch(() => undefined)
  await Promise.all(ended)
}

/** In the worker: nothing else happens in it meanwhile. */
function keepBusy(ms: number): void {
  const end = Date.now() + ms
  while (Date.now() < end);
}

async function killRenderer({ profile }: World, which: number): Promise<void> {
  // A persistent context always belongs to a browser.
  const browser = profile.context.browser() as Browser
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const renderers = processInfo.filter(({ type }) => type === 'renderer')
  const chosen = renderers[which % Math.max(1, renderers.length)]
  if (!chosen) return
  try {
    process.kill(chosen.id, 'SIGKILL')
  } catch {
    // It has ended since.
  }
}

async function killBrowser(
  world: World,
  { cutOff, aloneMs }: { readonly cutOff: boolean; readonly aloneMs: number },
): Promise<void> {
  const writers = world.tabs.alive().map(({ writer }) => writer)
  if (cutOff) {
    world.wire.refuse()
    await wait(aloneMs)
  }
  await world.crashBrowser()
  // Everything that the dead browser has told has arrived, since its connection has ended.
  const tab = await world.tabs.open()
  await auditDisk(tab.page, writers, world.ledger)
  if (cutOff) world.wire.restore()
}

async function disturb(
  { wire }: World,
  { how, forMs }: { readonly how: 'cut' | 'refused' | 'silent'; readonly forMs: number },
): Promise<void> {
  if (how === 'cut') wire.cut()
  else if (how === 'refused') wire.refuse()
  else wire.silence()
  await wait(how === 'cut' ? 0 : forMs)
  wire.restore()
}

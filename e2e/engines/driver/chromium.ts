import { type BrowserContext, chromium, type Frame, type LaunchOptions, type Page } from '@playwright/test'
import { openProfile, withChromium } from '../../support/browser.js'
import type { Engine, EngineProfile, EngineTab } from './engine.js'

/**
 * Playwright turns the partitioning of storage off, so that iframes of other sites may not store anything. This is
 * what else it turns off: of two such flags Chromium takes the last.
 */
const PARTITIONED = '--disable-features=HttpsUpgrades,MediaRouter,PaintHolding'

/** Chromium, driven by Playwright over its debugging protocol. */
export function chromiumEngine({ args = [], ...launchOptions }: LaunchOptions): Engine {
  return {
    name: 'chromium',
    keepsProfiles: true,
    openProfile(of = {}) {
      const options = { ...launchOptions, args: of.blocksThirdParties ? args : [...args, PARTITIONED] }
      return of.private ? openIncognito(options) : openOnDisk(options)
    },
  }
}

async function openOnDisk(options: LaunchOptions): Promise<EngineProfile> {
  const profile = await openProfile(options)
  return {
    version: versionOf(profile.context),
    openTab: (url) => openTab(profile.context, url),
    restart: profile.restart,
    crash: profile.crash,
    dispose: profile.dispose,
  }
}

/** Each context of Playwright's is an incognito session of its own. */
async function openIncognito(options: LaunchOptions): Promise<EngineProfile> {
  const browser = await chromium.launch(withChromium(options))
  let context = await browser.newContext()
  const restart = async () => {
    await context.close()
    context = await browser.newContext()
  }
  return {
    version: versionOf(context),
    openTab: (url) => openTab(context, url),
    restart,
    crash: restart,
    dispose: () => browser.close(),
  }
}

function versionOf(context: BrowserContext): string {
  const browser = context.browser()
  if (!browser) throw new Error('Playwright does not tell which browser this is')
  return `Chromium ${browser.version()}`
}

async function openTab(context: BrowserContext, url: string): Promise<EngineTab> {
  const page = await context.newPage()
  await page.goto(url)
  return {
    evaluate: evaluateIn(page),
    async goto(next) {
      await page.goto(next)
    },
    async reload() {
      await page.reload()
    },
    async frame() {
      const inner = page.frames().find((frame) => frame.parentFrame() === page.mainFrame())
      if (!inner) throw new Error(`There is no iframe in ${page.url()}`)
      return { evaluate: evaluateIn(inner) }
    },
    close: () => page.close(),
  }
}

const evaluateIn =
  (target: Page | Frame) =>
  (expression: string): Promise<string> =>
    target.evaluate<string>(expression)

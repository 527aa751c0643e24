import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from '@playwright/test'
import { build, preview } from 'vite'
import type { BenchPage } from '../page/main.js'

const ROOT = new URL('../../', import.meta.url).pathname

/** The built bench page, served on this machine. */
export interface PageServer {
  readonly url: string
  close(): Promise<void>
}

export async function servePage(): Promise<PageServer> {
  await build({ root: ROOT, configFile: join(ROOT, 'vite.config.ts') })
  const server = await preview({ root: ROOT, configFile: join(ROOT, 'vite.config.ts'), preview: { port: 0 } })
  const url = server.resolvedUrls?.local[0]
  if (!url) throw new Error('The preview server has no address. Is 127.0.0.1 available?')
  return { url, close: () => server.close() }
}

/** A browser with a profile on disk: an ephemeral context keeps OPFS in memory and is several times slower. */
export interface Profile {
  readonly version: string
  open(): Promise<BenchTab>
  close(): Promise<void>
}

/** A page of the bench and its functions, as {@link BenchPage} has them. */
export interface BenchTab {
  readonly page: Page
  readonly call: BenchPage
  close(): Promise<void>
}

export async function openProfile(url: string): Promise<Profile> {
  const directory = await mkdtemp(join(tmpdir(), 'dust-bench-profile-'))
  const context = await launch(directory)
  return {
    version: context.browser()?.version() ?? 'unknown',
    open: () => openTab(context, url),
    async close() {
      await context.close()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function launch(directory: string): Promise<BrowserContext> {
  const path = process.env.DUST_CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launchPersistentContext(directory, {
    ...(existsSync(path) ? { executablePath: path } : {}),
    args: ['--no-sandbox', '--disable-background-timer-throttling', '--disable-renderer-backgrounding'],
  })
}

async function openTab(context: BrowserContext, url: string): Promise<BenchTab> {
  const page = await context.newPage()
  page.on('pageerror', (error) => process.stderr.write(`page: ${error.message}\n`))
  await page.goto(url)
  await page.waitForFunction(() => 'bench' in window)
  return {
    page,
    call: {
      fill: (...args) => page.evaluate((given) => window.bench.fill(...given), args),
      measure: (...args) => page.evaluate((given) => window.bench.measure(...given), args),
      coldOpen: (...args) => page.evaluate((given) => window.bench.coldOpen(...given), args),
      prepareFirstPaint: (...args) =>
        page.evaluate((given) => window.bench.prepareFirstPaint(...given), args),
      firstPaint: (...args) => page.evaluate((given) => window.bench.firstPaint(...given), args),
      bareFirstPaint: () => page.evaluate(() => window.bench.bareFirstPaint()),
      answer: (...args) => page.evaluate((given) => window.bench.answer(...given), args),
      roundTrips: (...args) => page.evaluate((given) => window.bench.roundTrips(...given), args),
      callsFor: (...args) => page.evaluate((given) => window.bench.callsFor(...given), args),
      firstSync: (...args) => page.evaluate((given) => window.bench.firstSync(...given), args),
      ingest: (...args) => page.evaluate((given) => window.bench.ingest(...given), args),
      bulkLoad: (...args) => page.evaluate((given) => window.bench.bulkLoad(...given), args),
      close: () => page.evaluate(() => window.bench.close()),
    },
    close: () => page.close(),
  }
}

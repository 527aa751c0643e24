import type { BrowserContext, Page } from '@playwright/test'
import type { Ledger, WriterRecord } from './ledger.js'
import type { Random } from './random.js'
import { answerOf, until } from './until.js'
import { type Kind, startWriter } from './writer.js'

/** A tab of the app, with a writer in it. */
export interface ChaosTab {
  readonly page: Page
  readonly writer: WriterRecord
  /** Whether its document is the one that the writer was started in. */
  readonly alive: boolean
  /** Cannot be asked anything just now. */
  asleep: boolean
  /** Its document is gone, or about to go: what it writes from now on may be lost, what it wrote may not. */
  end(): void
}

/** The app's tabs in one browser. */
export interface Tabs {
  /** Those that are there. */
  alive(): readonly ChaosTab[]
  /** The context of a browser that has just started: the tabs of the one before are gone. */
  enter(context: BrowserContext): Promise<void>
  /** Opens a tab; its writer starts at once, unless told. */
  open(options?: { writes: boolean }): Promise<ChaosTab>
  /** Opens as many as are missing. */
  refill(count: number): Promise<void>
  /** The one that has the database and the connection. */
  leader(): Promise<ChaosTab>
}

const KINDS: readonly Kind[] = ['put', 'put', 'count', 'count', 'batch', 'add', 'register', 'register']

export function createTabs(address: string, ledger: Ledger, random: Random): Tabs {
  let context: BrowserContext | undefined
  let tabs: ChaosTab[] = []
  let opened = 0

  const alive = () => {
    tabs = tabs.filter((tab) => tab.alive)
    return tabs
  }

  const follow = (page: Page, writer: WriterRecord): ChaosTab => {
    let gone = false
    const end = () => {
      gone = true
    }
    page.on('crash', () => {
      end()
      // What is left of a page whose process has died is not needed; the browser may have died with it.
      page.close().catch(() => undefined)
    })
    page.on('close', end)
    page.on('pageerror', ({ message }) => ledger.violation(`${writer.name}, uncaught: ${message}`))
    return {
      page,
      writer,
      asleep: false,
      get alive() {
        return !gone
      },
      end,
    }
  }

  const open: Tabs['open'] = async ({ writes } = { writes: true }) => {
    if (!context) throw new Error('No browser has been started')
    const page = await context.newPage()
    const program = Array.from({ length: 64 }, () => random.pick(KINDS))
    const options = { name: `w${++opened}`, program, paceMs: random.int(10, 40), window: random.int(4, 12) }
    const tab = follow(page, ledger.enter(options.name, program))
    tabs.push(tab)
    await page.goto(address)
    if (writes) await page.evaluate(startWriter, options)
    return tab
  }

  return {
    alive,
    async enter(next) {
      context = next
      for (const tab of tabs) tab.end()
      await context.exposeBinding('report', (_source, reports) => ledger.take(reports))
    },
    open,
    async refill(count) {
      while (alive().length < count) {
        // It may be the one whose process is killed next.
        await open().catch((error: unknown) => {
          if (tabs.at(-1)?.alive) throw error
        })
      }
    },
    leader: () =>
      until('a tab leads', async () => {
        for (const tab of alive().filter(({ asleep }) => !asleep)) {
          const leads = tab.page.evaluate(async () => (await window.store.status()).leader)
          if ((await answerOf(leads, 1_000)) === true && tab.alive) return tab
        }
        return undefined
      }),
  }
}

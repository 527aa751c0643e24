import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { chromium, type LaunchOptions } from '@playwright/test'
import { WebSocket } from 'ws'
import { startProcess } from '../engines/driver/browser-process.js'
import { withChromium } from './browser.js'

/**
 * A Chromium without Playwright. Playwright is attached to every tab as a debugger, and makes each believe that it is
 * in front; Chromium neither freezes nor discards such tabs. Here a debugger is attached only while the test looks.
 */
export interface UnwatchedBrowser {
  /** Opens a tab in front of the others. */
  openTab(url: string): Promise<UnwatchedTab>
  /** Ends the browser and removes what it kept. */
  dispose(): Promise<void>
}

export interface UnwatchedTab {
  /** What the function gives in the tab's page; both travel as JSON. Not for a tab that is frozen or discarded. */
  run<T, A = undefined>(inPage: (argument: A) => T | Promise<T>, argument?: A): Promise<T>
  /** Brings the tab to the front: one that is frozen thaws, one that was discarded loads again. */
  activate(): Promise<void>
  /** As Chromium does with a tab that was in the background for long; resolves when it says that it has. */
  freeze(): Promise<void>
  /** As Chromium does when memory runs out. */
  discard(): Promise<void>
}

interface Target {
  readonly targetId: string
  readonly type: string
  readonly url: string
}

const PATIENCE_MS = 20_000

export async function openUnwatchedBrowser({
  args = [],
  ...options
}: LaunchOptions): Promise<UnwatchedBrowser> {
  const directory = await mkdtemp(join(tmpdir(), 'dust-unwatched-'))
  const { executablePath = chromium.executablePath() } = withChromium(options)
  const own = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${directory}`]
  const process = startProcess(executablePath, [...args, ...own, 'about:blank'])
  const [, address] = await process.printed(/DevTools listening on (ws:\S+)/)
  if (address === undefined) throw new Error('Chromium does not tell where it is debugged')
  const { send, close } = await openDebugger(address)

  /** A tab gets another id when it is discarded, but keeps its URL. */
  const targetOf = async (url: string): Promise<string> => {
    const { targetInfos } = await send<{ targetInfos: readonly Target[] }>('Target.getTargets')
    const target = targetInfos.find((one) => one.type === 'page' && one.url === url)
    if (!target) throw new Error(`No tab has the URL ${url}`)
    return target.targetId
  }

  const evaluate = async <T>(url: string, expression: string): Promise<T> => {
    const targetId = await targetOf(url)
    const { sessionId } = await send<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    })
    try {
      const { result, exceptionDetails } = await send<{
        result: { value: T }
        exceptionDetails?: { exception?: { description?: string } }
      }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId)
      if (exceptionDetails) throw new Error(`In ${url}: ${exceptionDetails.exception?.description}`)
      return result.value
    } finally {
      await send('Target.detachFromTarget', { sessionId })
    }
  }

  const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + PATIENCE_MS; !(await condition()); await wait(100)) {
      if (Date.now() > end) throw new Error(`Chromium did not ${what} within ${PATIENCE_MS / 1_000} s`)
    }
  }

  const open = async (url: string): Promise<void> => {
    const { targetId } = await send<{ targetId: string }>('Target.createTarget', { url })
    await send('Target.activateTarget', { targetId })
    // A new tab has its URL at once, and an empty document until it has loaded.
    const loaded = `location.href === ${JSON.stringify(url)} && document.readyState === "complete"`
    await until(`load ${url}`, () => evaluate<boolean>(url, loaded).catch(() => false))
  }

  // The internal page that freezes and discards must be allowed first.
  const allow = async (): Promise<void> => {
    await open(ALLOWING)
    await until('allow internal pages', () => evaluate(ALLOWING, `(${clickToAllow})(${everything})`))
    await open(DISCARDS)
  }
  let allowed: Promise<void> | undefined

  /** In a tab's row of the internal page, clicks the action, until the row says that it was done. */
  const act = async (url: string, action: string, state: RegExp): Promise<void> => {
    allowed ??= allow()
    await allowed
    const row = (click: string | null): Promise<string> =>
      evaluate(DISCARDS, `(${rowOf})(${everything}, ${JSON.stringify([url, click])})`)
    await until('list the tab', async () => (await row(action)) !== '')
    await until(action, async () => state.test(await row(null)))
  }

  return {
    async openTab(url) {
      await open(url)
      return {
        run: (inPage, argument) => evaluate(url, `(${inPage})(${JSON.stringify(argument) ?? ''})`),
        async activate() {
          await send('Target.activateTarget', { targetId: await targetOf(url) })
        },
        freeze: () => act(url, '[Freeze]', /\bfrozen\b/),
        discard: () => act(url, '[Urgent Discard]', /\bdiscarded\b/),
      }
    },
    async dispose() {
      close()
      await process.kill()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const ALLOWING = 'chrome://chrome-urls/'
const DISCARDS = 'chrome://discards/'

// These are run in the browser, as text. They look through shadow roots.
const everything = `(root = document) => {
  const within = (node) => [...node.querySelectorAll('*')].flatMap((one) => [one, ...(one.shadowRoot ? within(one.shadowRoot) : [])])
  return within(root)
}`

const clickToAllow = `(everything) => {
  const buttons = everything().filter(({ tagName }) => tagName === 'CR-BUTTON')
  const enable = buttons.find(({ textContent }) => /enable/i.test(textContent))
  if (enable) enable.click()
  // The other button turns it off again.
  return buttons.some(({ textContent }) => /disable/i.test(textContent))
}`

const rowOf = `(everything, [url, action]) => {
  const rows = everything().filter(({ tagName }) => tagName === 'TR')
  const row = rows.find((one) => one.querySelector('.tab-url-cell')?.textContent.trim() === url)
  if (!row) return ''
  if (action) [...row.querySelectorAll('.actions-cell div')].find((one) => one.textContent.trim() === action).click()
  return row.innerText
}`

async function openDebugger(address: string): Promise<{
  send<T>(method: string, params?: object, sessionId?: string): Promise<T>
  close(): void
}> {
  const socket = new WebSocket(address)
  const open = new Map<number, (answer: { error?: { message: string }; result?: unknown }) => void>()
  let lastId = 0
  socket.on('message', (data) => {
    const message = JSON.parse(String(data))
    open.get(message.id)?.(message)
    open.delete(message.id)
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    send: <T>(method: string, params: object = {}, sessionId?: string) =>
      new Promise<T>((resolve, reject) => {
        const id = ++lastId
        open.set(id, ({ error, result }) => {
          if (error) reject(new Error(`${method}: ${error.message}`))
          // What the protocol says that this method gives.
          else resolve(result as T)
        })
        socket.send(JSON.stringify({ id, method, params, sessionId }))
      }),
    close: () => socket.terminate(),
  }
}

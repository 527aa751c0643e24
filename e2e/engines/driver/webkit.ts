import { startProcess } from './browser-process.js'
import type { Engine, EngineFrame, EngineProfile, EngineTab } from './engine.js'
import { freePort, untilListening } from './port.js'
import { openSession, type WebDriver } from './webdriver.js'

/** The programs that WebKitGTK needs to be driven. */
export interface WebkitPrograms {
  readonly driver: string
  readonly browser: string
  readonly xvfb: string
}

/**
 * WebKitGTK's MiniBrowser, driven over classic WebDriver, on a screen that nobody sees. Its sessions are ephemeral:
 * what a page stores is gone with the browser, as in a private window.
 */
export function webkitEngine(programs: WebkitPrograms): Engine {
  return {
    name: 'webkit',
    keepsProfiles: false,
    openProfile: () => openProfile(programs),
  }
}

interface Running {
  readonly session: WebDriver
  /** The tab that it began with stays empty: a session ends with its last tab, and new ones are opened from one. */
  readonly home: string
  kill(): Promise<void>
}

async function openProfile(programs: WebkitPrograms): Promise<EngineProfile> {
  const screen = startProcess(programs.xvfb, [
    ...['-displayfd', '1'],
    ...['-screen', '0', '1280x800x24'],
    ...['-nolisten', 'tcp'],
  ])
  const [, display] = await screen.printed(/^(\d+)$/m)
  const start = () => launch(programs, `:${display}`)
  let running = await start()
  // Nothing outlives the session, so that a clean end and a crash leave the same.
  const restart = async () => {
    await running.kill()
    running = await start()
  }
  return {
    version: `WebKitGTK ${running.session.capabilities.browserVersion}`,
    openTab: (url) => openTab(running, url),
    restart,
    crash: restart,
    async dispose() {
      await running.kill()
      await screen.kill()
    },
  }
}

async function launch({ driver, browser }: WebkitPrograms, display: string): Promise<Running> {
  const port = await freePort()
  const env = { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11' }
  const running = startProcess(driver, [`--port=${port}`], env)
  try {
    await Promise.race([untilListening(port), running.ended()])
    const session = await openSession(`http://127.0.0.1:${port}`, {
      'webkitgtk:browserOptions': { binary: browser, args: ['--automation'] },
    })
    return { session, home: String(await session.send('GET', '/window')), kill: running.kill }
  } catch (error) {
    await running.kill()
    throw error
  }
}

async function openTab({ session, home }: Running, url: string): Promise<EngineTab> {
  const opened = await session.send('POST', '/window/new', { type: 'tab' }, { window: home })
  // That is what is answered (specification, §11.3).
  const { handle: window } = opened as { handle: string }
  const frameOf = (frame: number | null): EngineFrame => ({
    async evaluate(expression) {
      const script = `return (${expression})`
      return String(await session.send('POST', '/execute/sync', { script, args: [] }, { window, frame }))
    },
  })
  const goto = async (next: string) => {
    await session.send('POST', '/url', { url: next }, { window })
  }
  await goto(url)
  return {
    ...frameOf(null),
    goto,
    async reload() {
      await session.send('POST', '/refresh', {}, { window })
    },
    frame: async () => frameOf(0),
    async close() {
      await session.send('DELETE', '/window', undefined, { window })
    },
  }
}

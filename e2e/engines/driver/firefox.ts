import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bidi, connectBidi } from './bidi.js'
import { type BrowserProcess, startProcess } from './browser-process.js'
import type { Engine, EngineFrame, EngineProfile, EngineTab, ProfileOptions } from './engine.js'

/** What Firefox does for itself only disturbs the tests; the rest is what a user has. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.server': 'data:,',
}

/** Firefox as it is delivered, driven over WebDriver BiDi, with a profile on disk. */
export function firefoxEngine(executable: string): Engine {
  return {
    name: 'firefox',
    keepsProfiles: true,
    openProfile: (options) => openProfile(executable, options ?? {}),
  }
}

async function openProfile(executable: string, options: ProfileOptions): Promise<EngineProfile> {
  const directory = await mkdtemp(join(tmpdir(), 'dust-firefox-'))
  const preferences = {
    ...PREFERENCES,
    'browser.privatebrowsing.autostart': options.private ?? false,
    // 1: no third parties; 5, Firefox's default: trackers may not store, other third parties have a partition.
    'network.cookie.cookieBehavior': options.blocksThirdParties ? 1 : 5,
  }
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  )
  await writeFile(join(directory, 'user.js'), lines.join('\n'))
  let running = await launch(executable, directory)
  const end = async () => {
    await running.bidi.send('browser.close', {})
    await running.process.gone
  }
  return {
    version: running.version,
    openTab: (url) => openTab(running.bidi, url),
    async restart() {
      await end()
      running = await launch(executable, directory)
    },
    async crash() {
      await running.process.kill()
      running = await launch(executable, directory)
    },
    async dispose() {
      // Nothing of this profile is looked at again, so it need not end well.
      await running.process.kill()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface Running {
  readonly process: BrowserProcess
  readonly bidi: Bidi
  readonly version: string
}

async function launch(executable: string, directory: string): Promise<Running> {
  const args = ['--headless', '--no-remote', '--remote-debugging-port=0', '--profile', directory]
  const process = startProcess(executable, args)
  try {
    const [, url] = await process.printed(/WebDriver BiDi listening on (ws:\/\/\S+)/)
    const bidi = await connectBidi(`${url}/session`)
    const { capabilities } = await bidi.send('session.new', { capabilities: {} })
    // Both are in every answer to session.new (specification, §7.1.3.2).
    const { browserVersion } = capabilities as { browserVersion: string }
    return { process, bidi, version: `Firefox ${browserVersion}` }
  } catch (error) {
    await process.kill()
    throw error
  }
}

async function openTab(bidi: Bidi, url: string): Promise<EngineTab> {
  const { context } = await bidi.send('browsingContext.create', { type: 'tab' })
  const goto = async (next: string) => {
    await bidi.send('browsingContext.navigate', { context, url: next, wait: 'complete' })
  }
  await goto(url)
  return {
    ...frameOf(bidi, context),
    goto,
    async reload() {
      await bidi.send('browsingContext.reload', { context, wait: 'complete' })
    },
    async frame() {
      const { contexts } = await bidi.send('browsingContext.getTree', { root: context })
      // A tree's nodes have these members (specification, §7.3.3.6).
      const [page] = contexts as { children: { context: string }[] }[]
      const inner = page?.children[0]
      if (!inner) throw new Error('There is no iframe in the page')
      return frameOf(bidi, inner.context)
    },
    async close() {
      await bidi.send('browsingContext.close', { context, promptUnload: false })
    },
  }
}

function frameOf(bidi: Bidi, context: unknown): EngineFrame {
  return {
    async evaluate(expression) {
      const answer = await bidi.send('script.evaluate', {
        expression,
        target: { context },
        awaitPromise: false,
      })
      if (answer.type === 'success') return String((answer.result as { value: unknown }).value)
      const { text } = answer.exceptionDetails as { text: string }
      throw new Error(text)
    },
  }
}

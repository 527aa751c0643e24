import { obtainBrowser } from './browser.js'
import { installDependencies } from './dependencies.js'
import { obtainEngines } from './engines.js'
import { addonWorks, buildAddon } from './native-addon.js'
import { requireNodeVersion } from './node-version.js'
import { obtainPnpm } from './pnpm.js'
import { SetupError } from './setup-error.js'

/**
 * Brings a bare machine (Node, npm, git) to a built project. What is already there is left alone.
 * @param {import('./progress.js').Progress} progress
 * @returns {Promise<import('./pnpm.js').Pnpm>}
 */
export async function setUp(progress) {
  requireNodeVersion()
  const stream = progress.verbose
  const pnpm = await progress.step('Find or fetch pnpm', () => obtainPnpm({ stream }))
  await progress.step('Install dependencies', () => installDependencies(pnpm, { stream }))
  if (!(await addonWorks())) {
    await progress.step('Build better-sqlite3 for this Node (a minute or two)', () =>
      buildAddon(pnpm, { stream }),
    )
  }
  return pnpm
}

/**
 * @param {import('./progress.js').Progress} progress
 * @param {import('./pnpm.js').Pnpm} pnpm
 */
export async function buildProject(progress, pnpm) {
  await progress.step('Build packages and examples', async () => {
    const { code, output } = await pnpm(['run', 'build'], { stream: progress.verbose })
    if (code !== 0) throw new SetupError('The build failed: see the messages above.', output)
  })
}

/**
 * Finds or installs a Chromium and hands its path to the tests.
 * @param {import('./progress.js').Progress} progress
 * @param {import('./pnpm.js').Pnpm} pnpm
 */
export async function setUpBrowser(progress, pnpm) {
  process.env.DUST_CHROMIUM = await progress.step('Find or install Chromium', () =>
    obtainBrowser(pnpm, { stream: progress.verbose }),
  )
}

/**
 * Finds or installs the other browser engines.
 * @param {import('./progress.js').Progress} progress
 * @returns {Promise<string>} what will not be tested for want of an engine; empty when all are there
 */
export async function setUpEngines(progress) {
  const missing = await progress.step('Find or install Firefox and WebKitGTK', () =>
    obtainEngines({ stream: progress.verbose }),
  )
  return missing.length === 0
    ? ''
    : `NOT TESTED: ${missing.join(' and ')}, not installed here (docs/browsers.md)`
}

/**
 * Tells a person why set-up stopped: what the failing command said last, then the sentence to act on.
 * @param {unknown} error
 * @param {{ verbose: boolean }} options
 */
export function reportFailure(error, { verbose }) {
  if (!(error instanceof SetupError)) throw error
  if (!verbose && error.output !== '')
    process.stderr.write(`\n${error.output.trimEnd().split('\n').slice(-60).join('\n')}\n`)
  process.stderr.write(`\n${error.message}\n`)
}

import { homedir } from 'node:os'
import { runCommand } from './command.js'
import { canInstallPackages, installPackages } from './debian.js'
import { projectRoot } from './project.js'
import { SetupError } from './setup-error.js'

const systemPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/usr/local/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  `${homedir()}/Applications/Google Chrome.app/Contents/MacOS/Google Chrome`,
]

/**
 * The path of a Chromium that runs here, for the tests' DUST_CHROMIUM: the one that DUST_CHROMIUM or CHROME_PATH
 * names, else one of the system's, else Debian's package, else Playwright's download.
 * @param {import('./pnpm.js').Pnpm} pnpm
 * @param {{ stream: boolean }} options
 * @returns {Promise<string>}
 */
export async function obtainBrowser(pnpm, { stream }) {
  for (const variable of ['DUST_CHROMIUM', 'CHROME_PATH']) {
    const path = process.env[variable]
    if (path === undefined || path === '') continue
    // Somebody chose this one: running the tests in another browser would hide the mistake.
    if (await browserRuns(path)) return path
    throw new SetupError(
      `${variable} names ${path}, which does not run as a browser: correct the variable or unset it.`,
    )
  }

  const playwrights = await playwrightsPath()
  const found = await firstThatRuns([...systemPaths, ...playwrights])
  if (found !== undefined) return found

  let output = ''
  if (await canInstallPackages()) {
    output += (await installPackages(['chromium'], { stream })).output
    const installed = await firstThatRuns(systemPaths)
    if (installed !== undefined) return installed
  }

  const dependencies = (await canInstallPackages()) ? ['--with-deps'] : []
  output += (await pnpm(['exec', 'playwright', 'install', ...dependencies, 'chromium'], { stream })).output
  const downloaded = await firstThatRuns(playwrights)
  if (downloaded !== undefined) return downloaded
  throw new SetupError(
    'The tests need a Chromium, and none was found, installed or downloaded: install Chromium or Chrome (on Debian: "sudo apt-get install chromium"), or set DUST_CHROMIUM to its path, and run the command again.',
    output,
  )
}

/** @param {string} path */
async function browserRuns(path) {
  const { code, output } = await runCommand(path, ['--version'], { timeoutMs: 30_000 })
  // Ubuntu's chromium-browser without its snap is a script that prints advice.
  return code === 0 && /(Chrom(e|ium)|HeadlessChrome)\D*\d+\./.test(output)
}

/** @param {readonly string[]} paths */
async function firstThatRuns(paths) {
  for (const path of paths) if (await browserRuns(path)) return path
  return undefined
}

/** Where Playwright keeps its own Chromium, once downloaded. */
async function playwrightsPath() {
  const script = "import { chromium } from '@playwright/test'; console.log(chromium.executablePath())"
  const { code, output } = await runCommand(process.execPath, ['--input-type=module', '-e', script], {
    cwd: projectRoot,
  })
  return code === 0 ? [output.trim()] : []
}

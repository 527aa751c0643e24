import { existsSync } from 'node:fs'
import { canInstallPackages, installPackages } from './debian.js'

/**
 * What the browser tests use beside Chromium: Debian's package, and where its program may be
 * (e2e/engines/driver/installed.ts looks there, too).
 * @type {readonly { engine: string, name: string, programs: readonly string[] }[]}
 */
const packages = [
  {
    engine: 'firefox',
    name: 'firefox-esr',
    programs: [process.env.DUST_FIREFOX ?? '', '/usr/bin/firefox-esr', '/usr/bin/firefox'],
  },
  { engine: 'webkit', name: 'webkit2gtk-driver', programs: ['/usr/bin/WebKitWebDriver'] },
  { engine: 'webkit', name: 'xvfb', programs: ['/usr/bin/Xvfb'] },
]

/**
 * Installs Firefox and WebKitGTK where that is possible without a question. What is missing then is named: in CI its
 * tests fail, elsewhere they are left out (playwright.config.ts).
 * @param {{ stream: boolean }} options
 * @returns {Promise<readonly string[]>} the engines that are missing
 */
export async function obtainEngines({ stream }) {
  const names = missingPackages().map(({ name }) => name)
  if (names.length > 0 && (await canInstallPackages())) await installPackages(names, { stream })
  return [...new Set(missingPackages().map(({ engine }) => engine))]
}

/** The packages of which no program is there. */
export function missingPackages(exists = existsSync) {
  return packages.filter(({ programs }) => !programs.some((path) => exists(path)))
}

import { existsSync, readdirSync } from 'node:fs'
import type { LaunchOptions } from '@playwright/test'
import { chromiumEngine } from './chromium.js'
import type { Engine, EngineName } from './engine.js'
import { firefoxEngine } from './firefox.js'
import { type WebkitPrograms, webkitEngine } from './webkit.js'

/** Debian's packages of each engine; `npm test` installs them where it may (scripts/setup/engines.js). */
export const PACKAGES: Readonly<Record<EngineName, string>> = {
  chromium: 'chromium',
  firefox: 'firefox-esr',
  webkit: 'webkit2gtk-driver xvfb',
}

/** Which engines this machine has. Chromium counts as there: the other browser tests need it anyway. */
export function isInstalled(name: EngineName): boolean {
  if (name === 'firefox') return findFirefox() !== undefined
  if (name === 'webkit') return findWebkit() !== undefined
  return true
}

/** @throws when the engine is not installed. */
export function openEngine(name: EngineName, launchOptions: LaunchOptions): Engine {
  if (name === 'chromium') return chromiumEngine(launchOptions)
  if (name === 'firefox') return firefoxEngine(findFirefox() ?? missing(name))
  return webkitEngine(findWebkit() ?? missing(name))
}

function missing(name: EngineName): never {
  throw new Error(`${name} is not installed. On Debian: sudo apt-get install ${PACKAGES[name]}`)
}

function findFirefox(): string | undefined {
  return firstThere([process.env.DUST_FIREFOX ?? '', '/usr/bin/firefox-esr', '/usr/bin/firefox'])
}

function findWebkit(): WebkitPrograms | undefined {
  const driver = firstThere(['/usr/bin/WebKitWebDriver'])
  const browser = firstThere(libraryFolders().map((folder) => `${folder}/MiniBrowser`))
  const xvfb = firstThere(['/usr/bin/Xvfb'])
  return driver && browser && xvfb ? { driver, browser, xvfb } : undefined
}

/** Debian keeps MiniBrowser with the library, under a name with the processor's and the library's. */
function libraryFolders(): string[] {
  return foldersIn('/usr/lib', /-linux-gnu/).flatMap((folder) => foldersIn(folder, /^webkit2?gtk-/).reverse())
}

function foldersIn(parent: string, name: RegExp): string[] {
  if (!existsSync(parent)) return []
  const names = readdirSync(parent).filter((candidate) => name.test(candidate))
  return names.sort().map((found) => `${parent}/${found}`)
}

function firstThere(paths: readonly string[]): string | undefined {
  return paths.find((path) => path !== '' && existsSync(path))
}

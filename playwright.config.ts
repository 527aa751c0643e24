import { availableParallelism } from 'node:os'
import { defineConfig } from '@playwright/test'
import type { EngineName } from './e2e/engines/driver/engine.js'
import { isInstalled, PACKAGES } from './e2e/engines/driver/installed.js'
import type { StorageChoice } from './e2e/engines/storage-choice.js'

// `npm test` finds a Chromium and names it here; without it Playwright uses the one it downloaded itself.
const executablePath = process.env.DUST_CHROMIUM

const args = [
  // What the browser would fetch for itself only disturbs the tests.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
  // Chromium refuses to run as root inside its sandbox, and containers run as root.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
]

const launchOptions = { args, ...(executablePath !== undefined && { executablePath }) }

/** The same scenarios in each engine (docs/browsers.md). */
const ENGINES = 'engines/**/*.spec.ts'

// An engine that is missing is a failure in CI. Elsewhere it is left out, and said.
const engines = (['chromium', 'firefox', 'webkit'] satisfies EngineName[]).filter((name) => {
  if (process.env.CI || isInstalled(name)) return true
  // The configuration is read again in each worker process.
  if (process.env.TEST_WORKER_INDEX === undefined) {
    console.error(
      `\nNOT TESTED in ${name}: it is not installed (Debian: apt-get install ${PACKAGES[name]})\n`,
    )
  }
  return false
})

// Needs `pnpm build` first. Every test starts its own servers, with a directory and a free port of its own
// (e2e/support), so that tests run side by side.
export default defineConfig<object, { engineName: EngineName; storage: StorageChoice }>({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  fullyParallel: true,
  // A small CI machine runs one browser at a time: with two, timing says more about the machine than about Dust.
  workers: process.env.CI && availableParallelism() < 4 ? 1 : 2,
  // A test that passes on the second try has shown a fault.
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  outputDir: 'test-results',
  reporter: [
    ['list'],
    ['json', { outputFile: '.reports/playwright.json' }],
    ...(process.env.DUST_BROWSERS_PAGE ? [['./e2e/engines/report.ts'] as const] : []),
  ],
  use: { trace: 'retain-on-failure' },
  projects: [
    { name: 'chromium', testIgnore: ENGINES, use: { browserName: 'chromium', launchOptions } },
    ...engines.map((engineName) => ({
      name: `engine: ${engineName}`,
      testMatch: ENGINES,
      use: { engineName, launchOptions },
    })),
    // The engine that has all rungs of the ladder plays the same scenarios on the lower ones.
    ...(['indexeddb', 'memory'] satisfies StorageChoice[]).map((storage) => ({
      name: `rung: ${storage}`,
      testMatch: ENGINES,
      use: { engineName: 'chromium' as const, storage, launchOptions },
    })),
  ],
})

import { availableParallelism } from 'node:os'
import { defineConfig } from '@playwright/test'

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

// Needs `pnpm build` first. Every test starts its own servers, with a directory and a free port of its own
// (e2e/support), so that tests run side by side.
export default defineConfig({
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
  reporter: [['list'], ['json', { outputFile: '.reports/playwright.json' }]],
  use: { trace: 'retain-on-failure' },
  projects: [
    {
      name: 'chromium',
      use: {
        browserName: 'chromium',
        launchOptions: { args, ...(executablePath !== undefined && { executablePath }) },
      },
    },
  ],
})

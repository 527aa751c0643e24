import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify, stripVTControlCharacters } from 'node:util'
import type { Page } from '@playwright/test'
import { hostPage } from '../support/page-host.js'
import type { ServerInfo } from '../support/server.js'
import { test as base, expect } from '../support/test.js'
import { installStarter, type PackedApp } from './packed-app.js'

// An app that somebody starts today: Vite with its defaults, no configuration file.
const test = base.extend<object, { app: PackedApp }>({
  app: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
    async ({}, use) => {
      const app = await installStarter()
      await use(app)
      await app.dispose()
    },
    { scope: 'worker', timeout: 90_000 },
  ],
})
// One installation serves both tests.
test.describe.configure({ mode: 'default' })

const vite = (app: PackedApp) => join(app.directory, 'node_modules/vite/bin/vite.js')

async function expectCounts(page: Page, origin: string, { url, token, store }: ServerInfo): Promise<void> {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(`${origin}/?${new URLSearchParams({ url, token, store })}`)
  const output = page.locator('output')
  await expect(output, complaints.join('\n')).toHaveText('1 in opfs')
  await page.reload()
  await expect(output).toHaveText('2 in opfs')
  expect(complaints).toEqual([])
}

test('a Vite app works as built, without configuration', async ({ app, server, newProfile }) => {
  await promisify(execFile)(process.execPath, [vite(app), 'build'], { cwd: app.directory })
  const host = await hostPage(join(app.directory, 'dist'))
  try {
    const { context } = await newProfile()
    await expectCounts(await context.newPage(), host.origin, server)
  } finally {
    await host.close()
  }
})

test('a Vite app works from the development server, without configuration', async ({
  app,
  server,
  newProfile,
}) => {
  const child = spawn(process.execPath, [vite(app), '--host', '127.0.0.1', '--port', '0'], {
    cwd: app.directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const { context } = await newProfile()
    await expectCounts(await context.newPage(), await printedOrigin(child.stdout), server)
  } finally {
    child.kill()
  }
})

/** Vite prints where it listens, for people. */
async function printedOrigin(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const origin = stripVTControlCharacters(line).match(/http:\/\/127\.0\.0\.1:\d+/)?.[0]
    if (origin) return origin
  }
  throw new Error('Vite ended without printing an address')
}

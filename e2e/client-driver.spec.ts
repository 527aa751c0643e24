import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { hostPage } from './support/page-host.js'
import { expect, test } from './support/test.js'

test('the sqlite-wasm driver keeps the driver contract, in memory, in OPFS and in IndexedDB', async ({
  newProfile,
}) => {
  const directory = await mkdtemp(join(tmpdir(), 'dust-driver-'))
  await build({
    root: fileURLToPath(new URL('driver', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    build: { outDir: directory, emptyOutDir: true, target: 'es2022' },
    worker: { format: 'es' },
  })
  const host = await hostPage(directory)
  try {
    const { context } = await newProfile()
    const page = await context.newPage()
    await page.goto(host.origin)
    const output = page.locator('output')
    await expect(output).not.toBeEmpty()
    const { cases, failures, kept } = JSON.parse((await output.textContent()) ?? '')
    expect(failures).toEqual([])
    expect(cases).toBeGreaterThan(0)
    expect(kept).toEqual([[[1]], [[1]]])
  } finally {
    await host.close()
    await rm(directory, { recursive: true, force: true })
  }
})

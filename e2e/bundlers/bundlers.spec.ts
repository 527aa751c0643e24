import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { test as base, expect } from '../support/test.js'
import { BY_HAND, type Case, IN_EVERY_RUN } from './cases.js'
import { expectVisits } from './expect-visits.js'
import { type AppDirectory, installPacked, makeApp } from './packed-app.js'
import { publish } from './publish.js'
import { DOCUMENT, readRecipes } from './recipes.js'

const recipes = await readRecipes()
const cases = process.env.DUST_BUNDLERS === 'by-hand' ? BY_HAND : IN_EVERY_RUN

interface WorkerFixtures {
  /** Dust's packages with others, installed once for all tests that need the same. */
  readonly install: (others: Case['packages']) => Promise<AppDirectory>
}

const test = base.extend<object, WorkerFixtures>({
  install: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern.
    async ({}, use) => {
      const installed = new Map<string, AppDirectory>()
      await use(async (others = {}) => {
        const key = JSON.stringify(others)
        const app = installed.get(key) ?? (await installPacked(others))
        installed.set(key, app)
        return app
      })
      for (const app of installed.values()) await app.dispose()
    },
    { scope: 'worker' },
  ],
})
test.describe.configure({ mode: 'default', timeout: 180_000 })

test('docs/bundlers.md has the recipes that are tested, no others, and names the versions', async () => {
  const all = [...IN_EVERY_RUN, ...BY_HAND]
  expect(new Set(recipes.keys())).toEqual(new Set(all.map(({ recipe }) => recipe)))
  const document = await readFile(DOCUMENT, 'utf8')
  for (const { tools = [], packages = {} } of all) {
    for (const version of [...tools.map(versionOf), ...Object.values(packages)]) {
      expect(document).toContain(version)
    }
  }
})

for (const { recipe: name, tools, packages, starter } of cases) {
  const versions = packages ? ` (${Object.entries(packages).flat().join(' ')})` : ''
  test(`the starter app works with the recipe "${name}"${versions}`, async ({
    install,
    server,
    newProfile,
  }) => {
    const recipe = recipes.get(name)
    if (!recipe) throw new Error(`docs/bundlers.md has no section "${name}" with commands`)
    const app = await makeApp(await install(packages), recipe, { tools, starter })
    try {
      const host = await publish(app.directory, recipe.commands)
      try {
        const { context } = await newProfile()
        await expectVisits(await context.newPage(), host.origin, server)
      } finally {
        await host.close()
      }
    } finally {
      await app.dispose()
    }
  })
}

function versionOf(tool: string): string {
  const { version }: { version: string } = createRequire(import.meta.url)(`${tool}/package.json`)
  return version
}

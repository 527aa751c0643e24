import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Case } from './cases.js'
import type { Recipe } from './recipes.js'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const inHere = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const PACKAGES = ['protocol', 'replica', 'sync', 'client']

/** A directory that has an app, or what an app is made from. */
export interface AppDirectory {
  readonly directory: string
  dispose(): Promise<void>
}

/**
 * A directory with the SDK as npm would deliver it: packed, then installed. What a workspace link forgives (a file left
 * out of the package, a dependency not named) shows here. `others` are further packages, by name and version.
 */
export async function installPacked(others: Readonly<Record<string, string>> = {}): Promise<AppDirectory> {
  const app = await makeDirectory('dust-packed-')
  const { directory } = app
  await Promise.all(
    PACKAGES.map((name) =>
      run('pnpm', ['pack', '--pack-destination', directory], { cwd: inHere(`../../packages/${name}`) }),
    ),
  )
  const tarballs = (await readdir(directory)).filter((file) => file.endsWith('.tgz'))
  const packed = PACKAGES.map((name) => {
    const tarball = tarballs.find((file) => file.startsWith(`dustlayer-${name}-`))
    return [`@dustlayer/${name}`, `file:${tarball}`]
  })
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { ...Object.fromEntries(packed), ...others },
  }
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest, null, 2))
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: directory })
  return app
}

/** The starter app with a recipe's files, in a copy of what is installed, where the tools' commands can be run. */
export async function makeApp(
  installed: AppDirectory,
  recipe: Recipe,
  { tools = [], starter }: Pick<Case, 'tools' | 'starter'>,
): Promise<AppDirectory> {
  const app = await makeDirectory('dust-starter-')
  const inApp = (path: string) => join(app.directory, path)
  await cp(installed.directory, app.directory, { recursive: true, verbatimSymlinks: true })
  await cp(inHere('starter'), app.directory, { recursive: true })
  if (starter !== undefined) await cp(inHere(starter), app.directory, { recursive: true })
  for (const [path, content] of recipe.files) await writeFile(inApp(path), content)
  await mkdir(inApp('node_modules/.bin'), { recursive: true })
  // Links to the scripts themselves: the workspace's own commands would let the app find the workspace's packages.
  for (const [command, script] of tools.flatMap(commandsOf)) {
    await symlink(script, inApp(`node_modules/.bin/${command}`))
  }
  return app
}

function commandsOf(tool: string): [command: string, script: string][] {
  const manifest = require.resolve(`${tool}/package.json`)
  const { bin = {} }: { bin?: Record<string, string> } = require(manifest)
  return Object.entries(bin).map(([command, script]) => [command, join(dirname(manifest), script)])
}

async function makeDirectory(prefix: string): Promise<AppDirectory> {
  const directory = await mkdtemp(join(tmpdir(), prefix))
  return { directory, dispose: () => rm(directory, { recursive: true, force: true }) }
}

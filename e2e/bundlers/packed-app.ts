import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STARTER = fileURLToPath(new URL('starter', import.meta.url))
const PACKAGES = ['protocol', 'replica', 'sync', 'client']

export interface PackedApp {
  readonly directory: string
  dispose(): Promise<void>
}

/**
 * The starter app in a directory of its own, with the SDK as npm would deliver it: packed, then installed. What a
 * workspace link forgives (a file left out of the package, a dependency not named) shows here.
 */
export async function installStarter(): Promise<PackedApp> {
  const directory = await mkdtemp(join(tmpdir(), 'dust-starter-'))
  await cp(STARTER, directory, { recursive: true })
  for (const name of PACKAGES) {
    await run('pnpm', ['pack', '--pack-destination', directory], { cwd: join(ROOT, 'packages', name) })
  }
  const tarballs = (await readdir(directory)).filter((file) => file.endsWith('.tgz'))
  const dependencies = Object.fromEntries(
    PACKAGES.map((name) => {
      const tarball = tarballs.find((file) => file.startsWith(`dustlayer-${name}-`))
      return [`@dustlayer/${name}`, `file:${tarball}`]
    }),
  )
  const manifest = { private: true, type: 'module', dependencies: { ...dependencies, vite: viteVersion() } }
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest, null, 2))
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: directory })
  return {
    directory,
    dispose: () => rm(directory, { recursive: true, force: true }),
  }
}

/** The one that the workspace is tested with. */
function viteVersion(): string {
  const { version }: { version: string } = createRequire(import.meta.url)('vite/package.json')
  return version
}

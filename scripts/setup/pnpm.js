import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { runCommand } from './command.js'
import { projectRoot, readManifest } from './project.js'
import { SetupError } from './setup-error.js'

// A folder of our own needs no global rights and leaves the machine's pnpm, if any, alone.
const toolsFolder = join(projectRoot, '.tools')
const ownPnpm = join(toolsFolder, 'node_modules/pnpm/bin/pnpm.cjs')

/**
 * Runs the pinned pnpm in the project folder.
 * @typedef {(args: readonly string[], options?: import('./command.js').CommandOptions) => Promise<import('./command.js').CommandResult>} Pnpm
 */

/**
 * Finds the pnpm that package.json pins, or fetches it through npm, and puts it first in this process's PATH,
 * because package scripts call `pnpm` by name.
 * @param {{ stream: boolean }} options
 * @returns {Promise<Pnpm>}
 */
export async function obtainPnpm({ stream }) {
  const version = readManifest().packageManager.replace('pnpm@', '')
  if (await isOwnPnpm(version)) return useOwnPnpm()
  if (await isInstalledPnpm(version)) return (args, options) => runCommand('pnpm', args, inProject(options))

  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--no-save']
  const fetched = await runCommand('npm', ['install', '--prefix', toolsFolder, ...flags, `pnpm@${version}`], {
    cwd: tmpdir(),
    stream,
  })
  if (fetched.code !== 0 || !(await isOwnPnpm(version))) {
    throw new SetupError(
      `npm could not fetch pnpm ${version}: check that "npm view pnpm@${version} version" works here (network, proxy, registry settings) and run the command again.`,
      fetched.output,
    )
  }
  return useOwnPnpm()
}

/** @param {string} version */
async function isOwnPnpm(version) {
  if (!existsSync(ownPnpm)) return false
  const { code, output } = await runCommand(process.execPath, [ownPnpm, '--version'], { cwd: tmpdir() })
  return code === 0 && output.trim() === version
}

/** @param {string} version */
async function isInstalledPnpm(version) {
  // Outside the project, so that a pnpm of another version answers for itself instead of fetching ours; without
  // downloads, so that corepack's stand-in for pnpm does not reach for the network.
  const { code, output } = await runCommand('pnpm', ['--version'], {
    cwd: tmpdir(),
    env: { COREPACK_ENABLE_NETWORK: '0', COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' },
  })
  return code === 0 && output.trim() === version
}

/** @returns {Pnpm} */
function useOwnPnpm() {
  process.env.PATH = join(toolsFolder, 'node_modules/.bin') + delimiter + (process.env.PATH ?? '')
  return (args, options) => runCommand(process.execPath, [ownPnpm, ...args], inProject(options))
}

/** @param {import('./command.js').CommandOptions} [options] */
function inProject(options) {
  return { cwd: projectRoot, ...options }
}

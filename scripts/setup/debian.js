import { runCommand } from './command.js'

/** Whether this process may install Debian packages: apt-get is there and we are root. */
export async function canInstallPackages() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  return (await runCommand('apt-get', ['--version'])).code === 0
}

/**
 * Installs Debian packages, without questions and without recommended extras.
 * @param {readonly string[]} packages
 * @param {{ stream: boolean }} options
 * @returns {Promise<import('./command.js').CommandResult>}
 */
export async function installPackages(packages, { stream }) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const updated = await runCommand('apt-get', ['update'], { env, stream })
  // A failed update is no verdict: the package lists on disk may do. The installation decides.
  const args = ['install', '--yes', '--no-install-recommends', ...packages]
  const installed = await runCommand('apt-get', args, { env, stream })
  return { code: installed.code, output: updated.output + installed.output }
}

import { SetupError } from './setup-error.js'

/**
 * Installs exactly what pnpm-lock.yaml says. Install scripts wait for native-addon.js, which knows what they need.
 * @param {import('./pnpm.js').Pnpm} pnpm
 * @param {{ stream: boolean }} options
 */
export async function installDependencies(pnpm, { stream }) {
  const args = ['install', '--frozen-lockfile', '--ignore-scripts', '--prefer-offline']
  // Without a terminal pnpm refuses to replace a node_modules that another package manager made.
  const { code, output } = await pnpm([...args, '--config.confirm-modules-purge=false'], { stream })
  if (code === 0) return
  if (output.includes('ERR_PNPM_OUTDATED_LOCKFILE')) {
    throw new SetupError(
      'A package.json names dependencies that pnpm-lock.yaml does not: run "pnpm install" and commit the lockfile.',
      output,
    )
  }
  throw new SetupError(
    'pnpm could not install the dependencies: see its output above (network, proxy, registry settings, disk space) and run the command again.',
    output,
  )
}

import { readManifest } from './project.js'
import { SetupError } from './setup-error.js'

/**
 * Refuses a Node that is older than package.json's `engines.node`.
 * @param {string} [version] as in process.versions.node
 * @param {string} [range] `>=major.minor`
 */
export function requireNodeVersion(version = process.versions.node, range = readManifest().engines.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = range.replace('>=', '').split('.').map(Number)
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return
  throw new SetupError(
    `Dust needs Node ${leastMajor}.${leastMinor} or newer, and this is Node ${version}: install a newer Node and run the command again.`,
  )
}

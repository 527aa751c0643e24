import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runCommand } from './command.js'
import { canInstallPackages, installPackages } from './debian.js'
import { SetupError } from './setup-error.js'

/** What compiling a native addon needs, by the command that shows it is there, with Debian's package for it. */
const tools = [
  { command: 'python3', package: 'python3' },
  { command: 'make', package: 'make' },
  { command: process.env.CXX ?? 'g++', package: 'g++' },
]

/**
 * The folder to hand to node-gyp as `nodedir`: the one whose include/node holds the headers of the running Node.
 * With it node-gyp downloads no headers. Undefined when they are not installed beside Node.
 * @param {string} [execPath]
 * @returns {string | undefined}
 */
export function findHeaders(execPath = process.execPath) {
  const prefix = dirname(dirname(execPath))
  const versionFile = join(prefix, 'include/node/node_version.h')
  if (!existsSync(versionFile) || !existsSync(join(prefix, 'include/node/node.h'))) return undefined
  // Headers of another major version compile too, into an addon that does not load.
  const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(readFileSync(versionFile, 'utf8'))?.[1]
  return major === process.versions.node.split('.')[0] ? prefix : undefined
}

/**
 * Makes sure that python3, make and a C++ compiler are there, installing Debian's packages where that is possible.
 * @param {{ stream: boolean }} options
 */
export async function obtainToolchain({ stream }) {
  const missing = await missingTools()
  if (missing.length === 0) return
  const names = missing.map((tool) => tool.command).join(', ')
  const install = `apt-get install ${missing.map((tool) => tool.package).join(' ')}`
  const reason = `better-sqlite3 has to be compiled here, and ${names} ${missing.length === 1 ? 'is' : 'are'} missing`
  if (!(await canInstallPackages())) {
    throw new SetupError(
      `${reason}: install ${missing.length === 1 ? 'it' : 'them'} (on Debian or Ubuntu: "sudo ${install}"; on macOS: "xcode-select --install") and run the command again.`,
    )
  }
  const { code, output } = await installPackages(
    missing.map((tool) => tool.package),
    { stream },
  )
  if (code !== 0 || (await missingTools()).length > 0) {
    throw new SetupError(
      `${reason}, and installing them failed: make "${install}" work and run the command again.`,
      output,
    )
  }
}

async function missingTools() {
  const found = await Promise.all(tools.map((tool) => runCommand(tool.command, ['--version'])))
  return tools.filter((_, index) => found[index]?.code !== 0)
}

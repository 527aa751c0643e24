import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runCommand } from './command.js'
import { projectRoot } from './project.js'
import { SetupError } from './setup-error.js'
import { findHeaders, obtainToolchain } from './toolchain.js'

const probe =
  "const db = new (require('better-sqlite3'))(':memory:'); db.prepare('select 1').get(); db.close()"

/**
 * Whether better-sqlite3 opens a database in the running Node.
 * In a process of its own: an addon built for another Node can end the process.
 */
export async function addonWorks() {
  // --input-type: `node -e` would otherwise follow the package's "type": "module", which has no require.
  const args = ['--input-type=commonjs', '-e', probe]
  return (await runCommand(process.execPath, args, { cwd: join(projectRoot, 'packages/server') })).code === 0
}

/**
 * Gives better-sqlite3 its native addon: its published build where that can be downloaded, else compiled here.
 * @param {import('./pnpm.js').Pnpm} pnpm
 * @param {{ stream: boolean }} options
 */
export async function buildAddon(pnpm, { stream }) {
  await downloadAddon({ stream })
  if (await addonWorks()) return

  // Its install script would start to compile and fail a minute later where a compiler is missing.
  await obtainToolchain({ stream })
  const headers = findHeaders()
  const env = headers === undefined ? {} : { npm_config_nodedir: headers }
  const { code, output } = await pnpm(['--recursive', 'rebuild', 'better-sqlite3'], { stream, env })
  if (code === 0 && (await addonWorks())) return
  throw new SetupError(adviceFor(headers, output), output)
}

/**
 * Tries what better-sqlite3's install script tries first. That it failed shows in addonWorks().
 * @param {{ stream: boolean }} options
 */
async function downloadAddon({ stream }) {
  const fromServer = createRequire(join(projectRoot, 'packages/server/package.json'))
  const manifest = fromServer.resolve('better-sqlite3/package.json')
  const download = createRequire(manifest).resolve('prebuild-install/bin.js')
  await runCommand(process.execPath, [download], { cwd: dirname(manifest), stream, timeoutMs: 120_000 })
}

/**
 * @param {string | undefined} headers
 * @param {string} output
 */
function adviceFor(headers, output) {
  if (
    headers === undefined &&
    /node-v?\d[\d.]*-headers|install response|gyp ERR! (stack )?FetchError|getaddrinfo/.test(output)
  ) {
    return `better-sqlite3 has to be compiled here, but Node's C headers are neither beside ${process.execPath} nor could node-gyp download them: use a Node that ships them (the official archive or image: they are in include/node beside bin/node) or allow the download, and run the command again.`
  }
  return "better-sqlite3 could not be compiled: the compiler's message is above; mend it (disk space and memory are the usual causes) or use a Node release for which it publishes a build, and run the command again."
}

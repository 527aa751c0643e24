// Checks every package as it would be published: packed, with publishConfig applied, by publint and attw.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './setup/command.js'
import { projectRoot } from './setup/project.js'

const packagesFolder = join(projectRoot, 'packages')
const packed = mkdtempSync(join(tmpdir(), 'dust-packed-'))
/** @type {string[]} */
const problems = []

try {
  const build = await runCommand('pnpm', ['run', 'build:packages'], { cwd: projectRoot })
  if (build.code !== 0)
    problems.push(`The packages do not build, so what is checked here is old:\n${build.output}`)
  for (const name of readdirSync(packagesFolder)) {
    if (readManifest(name).private) continue
    problems.push(...unpublishedEntries(name), ...(await checkPacked(name)))
  }
} finally {
  rmSync(packed, { recursive: true })
}
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exitCode = problems.length === 0 ? 0 : 1

/**
 * `publishConfig.exports` repeats `exports` without the condition for work inside this repository, so that no user
 * gets our TypeScript sources; an entry that is missing there would only be missed by users.
 * @param {string} name
 */
function unpublishedEntries(name) {
  const manifest = readManifest(name)
  const published = JSON.stringify(manifest.publishConfig?.exports)
  const expected = JSON.stringify(manifest.exports, (key, value) =>
    key === 'dustlayer-source' ? undefined : value,
  )
  if (published === expected) return []
  return [`packages/${name}/package.json: publishConfig.exports must be exports without "dustlayer-source".`]
}

/**
 * Entries that name a file instead of conditions (a worker, a .wasm) are for URLs, not for imports: they have no types.
 * @param {string} name
 */
function withoutFiles(name) {
  const entries = Object.entries(readManifest(name).exports)
  const files = entries.filter(([, target]) => typeof target === 'string').map(([entry]) => entry)
  return files.length === 0 ? [] : ['--exclude-entrypoints', ...files]
}

/** @param {string} name */
async function checkPacked(name) {
  const tarball = join(packed, `${name}.tgz`)
  const commands = [
    { args: ['pack', '--out', tarball], cwd: join(packagesFolder, name) },
    { args: ['exec', 'publint', 'run', '--strict', '--pack', 'false', tarball], cwd: projectRoot },
    {
      args: ['exec', 'attw', '--profile', 'esm-only', '--no-emoji', tarball, ...withoutFiles(name)],
      cwd: projectRoot,
    },
  ]
  for (const { args, cwd } of commands) {
    const { code, output } = await runCommand('pnpm', args, { cwd })
    // What comes after needs what came before.
    if (code !== 0) return [`packages/${name}: pnpm ${args.join(' ')}\n${output}`]
  }
  return []
}

/** @param {string} name */
function readManifest(name) {
  return JSON.parse(readFileSync(join(packagesFolder, name, 'package.json'), 'utf8'))
}

// pnpm chaos: the long version of e2e/chaos, one phase after the other; its result goes to docs/reliability.md.
import { randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { reliabilityPage } from './chaos/document.js'
import { runCommand } from './setup/command.js'
import { projectRoot } from './setup/project.js'

const USAGE = `pnpm chaos                     the long version; writes docs/reliability.md when it is whole
pnpm chaos --seed N            the same faults again
pnpm chaos --only mixes-2      one phase: leaders-1…5, browsers-1…2, servers-1…2, mixes-1…4
pnpm chaos --short             what the tests run
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

async function main() {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
  if (!Number.isSafeInteger(seed)) throw new TypeError(`--seed is a whole number.\n\n${USAGE}`)
  console.log(`Seed ${seed}: pnpm chaos --seed ${seed} repeats the faults.`)

  mkdirSync(join(projectRoot, '.reports'), { recursive: true })
  const reports = mkdtempSync(join(projectRoot, '.reports/chaos-'))
  try {
    const { code } = await runCommand('pnpm', playwright(), {
      cwd: projectRoot,
      stream: true,
      env: {
        DUST_CHAOS: values.short ? 'short' : 'long',
        DUST_CHAOS_SEED: String(seed),
        DUST_CHAOS_REPORTS: reports,
        DUST_CHAOS_TELL: '1',
      },
    })
    process.exitCode = code
    /** @type {import('./chaos/document.js').PhaseResult[]} */
    const results = readdirSync(reports).map((file) => JSON.parse(readFileSync(join(reports, file), 'utf8')))
    const page = reliabilityPage(results, { seed, ...machine() })
    console.log(`\n${page}`)
    if (!values.short && values.only === undefined)
      writeFileSync(join(projectRoot, 'docs/reliability.md'), page)
  } finally {
    rmSync(reports, { recursive: true, force: true })
  }
}

function playwright() {
  const only = values.only === undefined ? [] : ['--grep', `chaos: ${values.only},`]
  // One at a time: what a call takes at a leader's death is part of the result.
  return ['exec', 'playwright', 'test', 'e2e/chaos', '--project', 'chromium', '--workers', '1', ...only]
}

function machine() {
  const [first] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${type()} ${release()}, ${cpus().length} × ${first?.model ?? 'unknown processor'}, ${memory} GiB`,
    node: process.version,
  }
}

if (values.help) console.log(USAGE)
else await main()

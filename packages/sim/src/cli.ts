// pnpm sim: random days of clients, network and server, repeatable by their seed.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { generate } from './generate.js'
import { explain, search, seedsFrom } from './report.js'
import { type Outcome, run } from './run.js'

const USAGE = `pnpm sim --seed N            one run, with a shrunk trace when it fails
pnpm sim --runs N [--from S]  N runs, of random seeds or of those from S on
pnpm sim --seconds N [--from S]  as many runs as fit
  --trace    print everything that happens in the run of --seed
  --keep-going    count all failing seeds instead of explaining the first
`

const SHRINK_TRIES = 2_000
const MOST_SEEDS = 2 ** 31

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    from: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function numberOf(name: 'seed' | 'runs' | 'seconds' | 'from'): number | undefined {
  const given = values[name]
  if (given === undefined) return undefined
  const number = Number(given)
  if (!Number.isSafeInteger(number) || number < 0)
    throw new TypeError(`--${name} is a whole number.\n\n${USAGE}`)
  return number
}

/** Without what differs from run to run, so that like goes with like. */
function summaryOf({ violation }: Outcome): string {
  const sentence = violation?.message
    .split('\n')[0]
    ?.replace(/\d+/g, 'N')
    .replace(/[;(].*/, '…')
  return `${violation?.rule}: ${sentence}`
}

async function replay(seed: number): Promise<boolean> {
  const schedule = generate(seed)
  const outcome = await run(schedule, values.trace ? (line) => console.log(line) : undefined)
  if (outcome.violation) console.log(await explain(schedule, outcome, SHRINK_TRIES))
  else console.log(`Seed ${seed}: ${schedule.steps.length} steps, ${outcome.ops} ops, nothing amiss.`)
  return !outcome.violation
}

async function searchAll(): Promise<boolean> {
  const runs = numberOf('runs') ?? Number.POSITIVE_INFINITY
  const until =
    performance.now() + 1_000 * (numberOf('seconds') ?? (runs === Number.POSITIVE_INFINITY ? 60 : 1e9))
  const first = numberOf('from') ?? randomInt(MOST_SEEDS)
  const started = performance.now()
  const failures = new Map<string, number[]>()
  let [done, ops, next, failed] = [0, 0, first, 0]
  for (;;) {
    const found = await search(seedsFrom(next, runs - done), () => performance.now() < until)
    done += found.runs
    ops += found.ops
    next += found.runs
    if (!found.failure) break
    failed += 1
    const { schedule, outcome } = found.failure
    if (!values['keep-going']) {
      console.log(await explain(schedule, outcome, SHRINK_TRIES))
      break
    }
    const what = summaryOf(outcome)
    failures.set(what, [...(failures.get(what) ?? []), schedule.seed])
  }
  const seconds = (performance.now() - started) / 1_000
  for (const [what, seeds] of failures)
    console.log(`${seeds.length} × ${what} (${seeds.slice(0, 5).join(', ')})`)
  console.log(
    `${done} runs from seed ${first} in ${seconds.toFixed(1)} s (${Math.round((done * 60) / seconds)} a minute), ${ops} ops, ${failed} failed.`,
  )
  return failed === 0
}

const seed = numberOf('seed')
if (values.help) console.log(USAGE)
else process.exitCode = (await (seed === undefined ? searchAll() : replay(seed))) ? 0 : 1

import { generate } from './generate.js'
import { type Outcome, run } from './run.js'
import type { Fault, Schedule } from './schedule.js'
import { shrink } from './shrink.js'
import { describeHappening } from './world.js'

const TRACE_LINES = 150

/** How to see a run again. */
export function commandFor(seed: number): string {
  return `pnpm sim --seed ${seed}`
}

/** What led to a violation, as short as it could be made. */
export async function explain(schedule: Schedule, outcome: Outcome, tries: number): Promise<string> {
  const shrunk = await shrink(schedule, outcome, { tries })
  const trace: string[] = []
  const { violation } = await run(shrunk.schedule, (line) => trace.push(line))
  return [
    `Seed ${schedule.seed} violates ${violation?.rule}: ${violation?.message}`,
    '',
    `${schedule.steps.length} steps shrunk to ${shrunk.schedule.steps.length} in ${shrunk.tried} runs:`,
    describeConditions(shrunk.schedule),
    ...shrunk.schedule.steps.map((step) => `  after ${step.after} ms: ${describeHappening(step)}`),
    '',
    trace.length > TRACE_LINES
      ? `The last ${TRACE_LINES} of ${trace.length} lines of what happened:`
      : 'What happened:',
    ...trace.slice(-TRACE_LINES),
    '',
    `To see it again: ${commandFor(schedule.seed)}`,
  ].join('\n')
}

function describeConditions({ conditions: { clients, latency, page } }: Schedule): string {
  return `  clients ${clients.join(', ')}; latency ${latency.min} to ${latency.max} ms; pages of ${page}`
}

/** What a search through seeds has found. */
export interface Search {
  readonly runs: number
  readonly ops: number
  readonly timers: number
  /** The first seed that violates something. */
  readonly failure: { readonly schedule: Schedule; readonly outcome: Outcome } | null
}

/** Runs seeds one after the other until one fails or `more` says that it is enough. `only` is for `generate`. */
export async function search(
  seeds: Iterable<number>,
  more: () => boolean,
  only?: readonly Fault['do'][],
): Promise<Search> {
  let [runs, ops, timers] = [0, 0, 0]
  for (const seed of seeds) {
    if (!more()) break
    const schedule = generate(seed, only)
    const outcome = await run(schedule)
    runs += 1
    ops += outcome.ops
    timers += outcome.timers
    if (outcome.violation) return { runs, ops, timers, failure: { schedule, outcome } }
  }
  return { runs, ops, timers, failure: null }
}

/** `count` seeds in a row. */
export function* seedsFrom(first: number, count = Number.POSITIVE_INFINITY): Generator<number> {
  for (let seed = first; seed < first + count; seed += 1) yield seed
}

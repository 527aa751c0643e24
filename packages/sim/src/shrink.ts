import { type Outcome, run } from './run.js'
import type { Schedule, Step } from './schedule.js'

/** A schedule that violates the same rule, with as little in it as could be found. */
export interface Shrunk {
  readonly schedule: Schedule
  readonly outcome: Outcome
  /** How many schedules were tried. */
  readonly tried: number
}

export interface ShrinkOptions {
  /** The most schedules to try. */
  readonly tries: number
}

/** Leaves out steps, waits and difficulties as long as the same rule is still violated. */
export async function shrink(
  schedule: Schedule,
  outcome: Outcome,
  { tries }: ShrinkOptions,
): Promise<Shrunk> {
  let best = schedule
  let bestOutcome = outcome
  let tried = 0

  /** Takes the candidate if it fails like the original. */
  const attempt = async (candidate: Schedule): Promise<boolean> => {
    if (tried >= tries) return false
    tried += 1
    const result = await run(candidate)
    if (result.violation?.rule !== outcome.violation?.rule) return false
    best = candidate
    bestOutcome = result
    return true
  }

  // What comes after the step in which it was seen may be needed to bring it about again, but mostly is not.
  await attempt({ ...best, steps: best.steps.slice(0, outcome.step + 1) })
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < best.steps.length; ) {
      const step = best.steps[start]
      // A wait at the end is what is left of steps that are gone.
      const left = step?.do === 'wait' && start === best.steps.length - 1
      if (left || !(await attempt({ ...best, steps: without(best.steps, start, size) }))) start += size
    }
  }
  for (const conditions of [
    { ...best.conditions, latency: { min: 1, max: 1 } },
    { ...best.conditions, page: 20 },
    { ...best.conditions, clients: best.conditions.clients.map(() => 'json' as const) },
  ])
    await attempt({ ...best, conditions: { ...best.conditions, ...conditions } })
  for (let at = 0; at < best.steps.length; at += 1) {
    const step = best.steps[at]
    if (step && step.after > 0) await attempt({ ...best, steps: best.steps.with(at, { ...step, after: 0 }) })
  }
  await attempt({ ...best, steps: best.steps.filter((step) => step.do !== 'wait' || step.after > 0) })
  return { schedule: best, outcome: bestOutcome, tried }
}

/** The others happen when they did before. */
function without(steps: readonly Step[], start: number, count: number): Step[] {
  const removed = steps.slice(start, start + count)
  const waited = removed.reduce((sum, { after }) => sum + after, 0)
  const [next = { do: 'wait', after: 0 } as const, ...rest] = steps.slice(start + count)
  return [...steps.slice(0, start), { ...next, after: next.after + waited }, ...rest]
}

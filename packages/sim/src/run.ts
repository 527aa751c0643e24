import type { Schedule } from './schedule.js'
import type { Trace } from './trace.js'
import { Violation } from './violation.js'
import { createWorld } from './world.js'

/** How a run went. */
export interface Outcome {
  /** What must hold and did not. */
  readonly violation: Violation | null
  /** The step in which that was seen; the number of steps when it was after the last. */
  readonly step: number
  /** Ops that the server has committed. */
  readonly ops: number
  readonly timers: number
}

/** Performs a schedule. The same one always goes the same way. */
export async function run(schedule: Schedule, trace?: Trace): Promise<Outcome> {
  const world = createWorld(schedule, trace)
  let step = 0
  let violation: Violation | null = null
  try {
    for (; step < schedule.steps.length; step += 1) {
      const next = schedule.steps[step]
      if (next) await world.perform(next)
    }
    await world.finish()
  } catch (error) {
    violation =
      error instanceof Violation
        ? error
        : new Violation('exception', error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    world.close()
  }
  return { violation, step, ops: world.history.current.head, timers: world.timers }
}

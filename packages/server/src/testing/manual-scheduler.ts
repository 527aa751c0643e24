import type { Scheduler } from '../scheduler.js'
import type { FakeClock } from './fake-clock.js'

/** Runs nothing until it is told to. */
export interface ManualScheduler extends Scheduler {
  /** One deferred piece of work; false when there is none. */
  step(): boolean
  /** Everything deferred, and what that defers. */
  settle(): void
  /** Moves the clock, runs what is due then, and settles. */
  advance(ms: number): void
  /** Alarms that are set. */
  readonly alarms: number
}

export function createManualScheduler(clock: FakeClock): ManualScheduler {
  const deferred: (() => void)[] = []
  const alarms = new Map<() => void, number>()
  const step = () => {
    const run = deferred.shift()
    run?.()
    return run !== undefined
  }
  const settle = () => {
    while (step());
  }
  return {
    defer: (run) => void deferred.push(run),
    after(ms, run) {
      const alarm = () => run()
      alarms.set(alarm, clock.monotonic() + ms)
      return () => alarms.delete(alarm)
    },
    step,
    settle,
    advance(ms) {
      clock.advance(ms)
      for (const [alarm, at] of [...alarms]) {
        if (at > clock.monotonic()) continue
        alarms.delete(alarm)
        alarm()
      }
      settle()
    },
    get alarms() {
      return alarms.size
    },
  }
}

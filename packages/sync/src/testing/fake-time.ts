import type { Clock } from '../clock.js'

/** A clock on fake time; `pending` counts the timers that were set through it and are still to run. */
export interface FakeClock extends Clock {
  readonly pending: number
}

/** Time that only moves when told. Timers run in order of their time, then of their setting. */
export interface FakeTime {
  readonly now: number
  /** A view of this time with its own count of timers. */
  clock(): FakeClock
  /** Runs everything that is due within the next `ms` milliseconds. */
  advance(ms: number): void
  /** Like `advance`, but lets promises settle before and after each timer. */
  advanceAsync(ms: number): Promise<void>
  /** The machine sleeps: the clocks go on, and what was due meanwhile runs when time next moves. */
  sleep(ms: number): void
  /** Advances until the condition holds. @throws Error when it does not within `ms` milliseconds. */
  until(condition: () => boolean, ms?: number): void
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export function createFakeTime(start = 1_700_000_000_000): FakeTime {
  const timers = new Set<Timer>()
  let now = start
  let order = 0

  const nextDue = (end: number): Timer | undefined => {
    let next: Timer | undefined
    for (const timer of timers) {
      if (timer.at > end) continue
      if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer
    }
    return next
  }

  const runNext = (end: number): boolean => {
    const timer = nextDue(end)
    if (!timer) return false
    now = Math.max(now, timer.at)
    timer.run()
    return true
  }

  const settlePromises = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
  }

  return {
    get now() {
      return now
    },
    clock() {
      let pending = 0
      return {
        now: () => now,
        get pending() {
          return pending
        },
        setTimer(ms, run) {
          order += 1
          pending += 1
          const forget = (): void => {
            if (timers.delete(timer)) pending -= 1
          }
          const timer: Timer = {
            at: now + Math.max(0, ms),
            order,
            run() {
              forget()
              run()
            },
          }
          timers.add(timer)
          return forget
        },
      }
    },
    advance(ms) {
      const end = now + ms
      while (runNext(end));
      now = end
    },
    async advanceAsync(ms) {
      const end = now + ms
      await settlePromises()
      while (runNext(end)) await settlePromises()
      now = end
    },
    sleep(ms) {
      now += ms
    },
    until(condition, ms = 600_000) {
      const end = now + ms
      while (!condition()) {
        if (!runNext(end)) throw new Error(`The condition did not come true within ${ms} ms of fake time.`)
      }
    },
  }
}

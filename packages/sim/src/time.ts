/** Timers that were set through one view of the time, so that what outlives its owner can be told. */
export interface SimClock {
  now(): number
  setTimer(ms: number, run: () => void): () => void
  /** Timers that are still to run. */
  readonly pending: number
}

/** The one time of a simulation: it moves from timer to timer and costs nothing in between. */
export interface SimTime {
  readonly now: number
  clock(): SimClock
  /** Runs `run` once after `ms` milliseconds; timers of the same moment run in the order of their setting. */
  after(ms: number, run: () => void): () => void
  /** Runs the next timer, if one is due by `end`, and moves the time to it. */
  runNext(end: number): boolean
  /** Moves the time on when nothing is due before. */
  moveTo(end: number): void
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

const START = 1_700_000_000_000

export function createSimTime(): SimTime {
  /** The next one last. */
  const timers: Timer[] = []
  let now = START

  const after = (ms: number, run: () => void): (() => void) => {
    const timer: Timer = { at: now + Math.max(0, ms), run }
    let at = timers.length
    while (at > 0 && (timers[at - 1] as Timer).at <= timer.at) at -= 1
    timers.splice(at, 0, timer)
    return () => {
      const found = timers.lastIndexOf(timer)
      if (found >= 0) timers.splice(found, 1)
    }
  }

  return {
    get now() {
      return now
    },
    after,
    clock() {
      let pending = 0
      return {
        now: () => now,
        get pending() {
          return pending
        },
        setTimer(ms, run) {
          pending += 1
          let due = true
          const done = (): boolean => {
            if (!due) return false
            due = false
            pending -= 1
            return true
          }
          const cancel = after(ms, () => {
            if (done()) run()
          })
          return () => {
            if (done()) cancel()
          }
        },
      }
    },
    runNext(end) {
      const next = timers.at(-1)
      if (!next || next.at > end) return false
      timers.pop()
      now = next.at
      next.run()
      return true
    },
    moveTo(end) {
      now = Math.max(now, end)
    },
  }
}

/** Lets promises settle. Chains of ours are a few links long; what takes longer goes on at the next timer. */
export async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve()
}

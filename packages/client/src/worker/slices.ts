import type { Steps } from '@dustlayer/replica'
import type { Clock } from '@dustlayer/sync'
import type { Busy } from './busy.js'
import { timeBox } from './time-box.js'

/**
 * Runs long work in slices, between which calls and messages have their turn.
 * @throws whatever a step throws; the signal's reason when it aborts.
 */
export type RunInSlices = <T>(steps: Steps<T>, signal: AbortSignal) => Promise<T>

export interface SlicesOptions {
  readonly clock: Clock
  /** Runs a function in a later turn. */
  defer(run: () => void): void
  readonly busy: Busy
}

/** A call waits for one of these and for those that run calls. */
const SLICE_MS = 50

export function createSlices({ clock, defer, busy }: SlicesOptions): RunInSlices {
  const turn = (): Promise<void> => new Promise((resolve) => defer(resolve))

  return async (steps, signal) => {
    // A step may be a statement over everything there is, and what comes of it as large.
    const endBusy = busy.begin()
    try {
      for (;;) {
        signal.throwIfAborted()
        const isOver = timeBox(clock, SLICE_MS)
        do {
          const step = steps.next()
          if (step.done) return step.value
        } while (!isOver())
        await turn()
      }
    } finally {
      // Lets go of what it listens to, had it not ended; the value goes nowhere.
      steps.return(undefined as never)
      endBusy()
    }
  }
}

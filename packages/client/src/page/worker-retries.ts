/** When the next worker is tried, after some that could not be started. */
export interface WorkerRetries {
  /** Tries again after a pause, which is longer each time. */
  plan(): void
  /** What stood in the way may be gone: tries now, if one is planned. */
  hurry(): void
  /** A worker has started: the next pause is a short one again. */
  reset(): void
  cancel(): void
}

export interface WorkerRetriesOptions {
  retry(): void
  setTimer(ms: number, run: () => void): () => void
  /** In [0, 1). */
  random(): number
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

export function createWorkerRetries({ retry, setTimer, random }: WorkerRetriesOptions): WorkerRetries {
  let failures = 0
  let cancelPlanned: (() => void) | undefined

  const cancel = (): void => {
    cancelPlanned?.()
    cancelPlanned = undefined
  }

  const now = (): void => {
    cancel()
    retry()
  }

  return {
    plan() {
      cancel()
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS)
      failures += 1
      // Spread out: the pages of a whole company meet the same deploy.
      cancelPlanned = setTimer(longest * (0.5 + random() / 2), now)
    },
    hurry() {
      if (cancelPlanned) now()
    },
    reset() {
      failures = 0
    },
    cancel,
  }
}

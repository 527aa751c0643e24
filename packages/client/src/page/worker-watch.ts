import { UnavailableError } from '@dustlayer/protocol'
import type { WorkerLink } from './worker-link.js'

/** Looks whether the page's worker is alive: no event tells a page that its worker hangs or has ended. */
export interface WorkerWatch {
  /** The worker seems to have ended: it is asked once more, so that none is ended that only seemed to have. */
  suspect(): void
  /** It has said that it may answer nothing for so many milliseconds, though nothing is wrong; 0: no longer. */
  expectBusy(forMs: number): void
  /** It has not answered the last question yet. */
  readonly doubtful: boolean
  /** What came before does not count: another worker, or a page that did not run. */
  reset(): void
  stop(): void
}

export interface WorkerWatchOptions {
  /** The one to look after, if any. */
  worker(): { readonly link: Pick<WorkerLink, 'ping'>; readonly started: boolean } | undefined
  onHung(error: UnavailableError): void
  /** It has answered for a minute. */
  onSteady(): void
  setTimer(ms: number, run: () => void): () => void
}

/** Everything is counted in looks, not in time: in a page that did not run, or slept, a single look has passed. */
const LOOK_MS = 2_000
/** A worker that runs something for so many looks is taken for hung. */
const HUNG_AFTER = 4
const STEADY_AFTER = 30
/** For a worker of which it is not known that it lives. */
const ANSWER_MS = 300
/** A worker that has not started by then is tried anew, and given twice as long: the network may be that slow. */
const START_AFTER = 30
const LONGEST_START = 240

export function createWorkerWatch(options: WorkerWatchOptions): WorkerWatch {
  const { worker, onHung, onSteady, setTimer } = options
  let unanswered = 0
  let hungAfter = HUNG_AFTER
  let answered = 0
  let starting = 0
  let patience = START_AFTER

  const ask = (link: Pick<WorkerLink, 'ping'>, onAnswer: () => void): void => {
    link.ping().then(
      () => worker()?.link === link && onAnswer(),
      // It fails with the worker, which is noticed otherwise.
      () => undefined,
    )
  }

  const look = (): void => {
    cancelLook = setTimer(LOOK_MS, look)
    const present = worker()
    if (!present) return
    if (!present.started) awaitStart()
    else if (unanswered >= hungAfter) {
      unanswered = 0
      onHung(new UnavailableError("Dust's worker did not answer any more, and was started anew."))
    } else {
      unanswered += 1
      ask(present.link, () => {
        unanswered = 0
        answered += 1
        if (answered % STEADY_AFTER === 0) onSteady()
      })
    }
  }

  const awaitStart = (): void => {
    starting += 1
    if (starting < patience) return
    starting = 0
    const seconds = (patience * LOOK_MS) / 1_000
    patience = Math.min(patience * 2, LONGEST_START)
    onHung(
      new UnavailableError(
        `Dust's worker did not start within ${seconds} s, and is tried anew. Its file may be slow to load.`,
      ),
    )
  }

  let cancelLook = setTimer(LOOK_MS, look)

  return {
    suspect() {
      const present = worker()
      if (!present) return
      let alive = false
      ask(present.link, () => {
        alive = true
      })
      setTimer(ANSWER_MS, () => {
        if (!alive && worker()?.link === present.link)
          onHung(new UnavailableError("Dust's worker has ended, and was started anew."))
      })
    },
    expectBusy(forMs) {
      hungAfter = HUNG_AFTER + Math.ceil(forMs / LOOK_MS)
    },
    get doubtful() {
      return unanswered > 0
    },
    reset() {
      unanswered = 0
      hungAfter = HUNG_AFTER
      answered = 0
      starting = 0
    },
    stop: () => cancelLook(),
  }
}

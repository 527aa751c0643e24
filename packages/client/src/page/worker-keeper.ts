import { type DustError, UnavailableError } from '@dustlayer/protocol'
import { createRegistry } from '../tab/registry.js'
import type { Call, CallResult, Hello, PageSignal, Receipt } from '../tab/tab-protocol.js'
import type { OpenWorker, WorkerLink } from './worker-link.js'
import type { Notice } from './worker-protocol.js'

/** The page's line to its worker, whichever that is: one that fails is replaced, and what it left open is asked again. */
export interface WorkerKeeper {
  /** @throws UnavailableError when no worker can be started, or the keeper is closed before the answer. */
  calls(batch: readonly Call[]): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  wait(ms: number): Promise<void>
  pause(paused: boolean): void
  confirm(receipt: Receipt): void
  suspend(): void
  resume(): void
  close(): Promise<void>
  destroy(): Promise<void>
}

export interface WorkerKeeperOptions {
  readonly openWorker: OpenWorker
  onNotice(notice: Notice): void
  /** A worker failed. No other can be started when `fatal`. */
  onFailure(error: DustError, fatal: boolean): void
  setTimer(ms: number, run: () => void): () => void
}

interface OpenBatch {
  readonly batch: readonly Call[]
  sent: boolean
  settle(results: readonly CallResult[]): void
  reject(error: DustError): void
}

/** A worker that runs something for so long, in looks of the page, is taken for hung. Counted as in `Vigil`. */
const LOOK_MS = 2_000
const HUNG_AFTER = 4
/** For a worker of which it is not known that it lives. */
const ANSWER_MS = 300
/** A worker that dies so often, without having answered anything in between, will die again. */
const TRIES = 3

export function createWorkerKeeper({
  openWorker,
  onNotice,
  onFailure,
  setTimer,
}: WorkerKeeperOptions): WorkerKeeper {
  const open = new Set<OpenBatch>()
  const waits = new Set<() => void>()
  const registry = createRegistry()
  /** Workers that have handed everything over and are not used any more. */
  const parked: WorkerLink[] = []
  let paused = false
  let suspended = false
  let dead: DustError | undefined
  let closing: Promise<void> | undefined
  /** Without an answer in between. */
  let failures = 0
  /** Of the present worker: which it is, whether it has started, and how many pings in a row it has not answered. */
  let generation = 0
  let started = false
  let unanswered = 0

  const rejectAll = (error: DustError): void => {
    dead = error
    stopLooking()
    for (const { reject } of open) reject(error)
    open.clear()
    // Whose call has just failed must not be told instead that its time is up.
    setTimer(0, () => {
      for (const resolve of waits) resolve()
    })
  }

  const replace = (error: UnavailableError): void => {
    if (dead) return
    link.terminate()
    onNotice({ kind: 'leading', leading: false })
    failures += 1
    const fatal = !started || failures >= TRIES
    onFailure(error, fatal)
    if (fatal) rejectAll(error)
    else startAnew()
  }

  const send = (one: OpenBatch): void => {
    const own = generation
    const again = one.sent
    one.sent = true
    link.calls(one.batch, again).then(
      (results) => {
        if (!open.delete(one)) return
        failures = 0
        registry.answered(one.batch, results)
        one.settle(results)
      },
      (error: UnavailableError) => {
        // What a worker that was replaced left open has been sent to the next.
        if (own === generation && open.delete(one)) one.reject(error)
      },
    )
  }

  const note = (notice: Notice): void => {
    if (notice.kind === 'restart' && !dead) {
      // Ending it now would block the files of the whole origin: Chromium takes three seconds for each handle of a
      // file that it has removed.
      link.suspend()
      parked.push(link)
      onNotice({ kind: 'leading', leading: false })
      startAnew()
    }
    if (notice.kind !== 'news') return
    registry.settled(notice.news.settled)
    registry.dropped(notice.news.dropped)
  }

  const startWorker = (restored: Hello | undefined): WorkerLink => {
    generation += 1
    started = false
    unanswered = 0
    const own = generation
    return openWorker(
      {
        onNotice(notice) {
          if (own !== generation) return
          note(notice)
          onNotice(notice)
        },
        onStarted() {
          if (own === generation) started = true
        },
        onSilence: () => own === generation && suspect(),
        onFailure: (error) => own === generation && replace(error),
      },
      restored,
    )
  }

  const startAnew = (): void => {
    link = startWorker(registry.all)
    if (paused) link.pause(true)
    if (suspended) link.suspend()
    for (const one of open) send(one)
  }

  const look = (): void => {
    cancelLook = setTimer(LOOK_MS, look)
    if (!started || suspended) return
    if (unanswered >= HUNG_AFTER) {
      replace(new UnavailableError("Dust's worker did not answer any more, and was started anew."))
      return
    }
    unanswered += 1
    const own = generation
    link.ping().then(
      () => {
        if (own === generation) unanswered = 0
      },
      () => undefined,
    )
  }

  /** Once more, so that no worker is ended that only seemed to have. */
  const suspect = (): void => {
    const own = generation
    let answered = false
    link.ping().then(
      () => {
        answered = true
      },
      () => undefined,
    )
    setTimer(ANSWER_MS, () => {
      if (own === generation && !answered)
        replace(new UnavailableError("Dust's worker has ended, and was started anew."))
    })
  }

  const stopLooking = (): void => cancelLook()

  let link = startWorker(undefined)
  let cancelLook = setTimer(LOOK_MS, look)

  return {
    calls: (batch) =>
      new Promise((settle, reject) => {
        if (dead) {
          reject(dead)
          return
        }
        const one: OpenBatch = { batch, sent: false, settle, reject }
        open.add(one)
        send(one)
      }),
    signal: (signal) => link.signal(signal),
    wait: (ms) =>
      new Promise((resolve) => {
        const done = (): void => {
          waits.delete(done)
          resolve()
        }
        waits.add(done)
        if (dead) setTimer(0, done)
        else link.wait(ms).then(done, done)
      }),
    pause(wanted) {
      paused = wanted
      link.pause(wanted)
    },
    confirm: (receipt) => link.confirm(receipt),
    suspend() {
      suspended = true
      link.suspend()
    },
    resume() {
      suspended = false
      unanswered = 0
      link.resume()
    },
    close() {
      closing ??= (async () => {
        stopLooking()
        if (!dead) await link.close()
        for (const one of parked) one.terminate()
        rejectAll(new UnavailableError("Dust's worker was ended before it answered."))
      })()
      return closing
    },
    async destroy() {
      stopLooking()
      await link.destroy()
    },
  }
}

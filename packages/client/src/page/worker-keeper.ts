import { type DustError, UnavailableError } from '@dustlayer/protocol'
import type { Call, CallResult } from '../tab/calls.js'
import type { Receipt } from '../tab/news.js'
import { createRegistry } from '../tab/registry.js'
import type { PageSignal } from '../tab/tab-protocol.js'
import { createOpenCalls, type Expire } from './open-calls.js'
import type { OpenWorker, WorkerLink } from './worker-link.js'
import type { Notice } from './worker-protocol.js'
import { createWorkerRetries } from './worker-retries.js'
import { createWorkerWatch } from './worker-watch.js'

/**
 * The page's line to its worker, whichever that is: one that fails is replaced, and what it left open is asked again.
 * One that cannot be started is tried again and again.
 */
export interface WorkerKeeper {
  /** @throws UnavailableError when no worker can ever be started, or the keeper is closed before the answer. */
  calls(batch: readonly Call[], expire: Expire): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  /** Resolves after so many milliseconds; never rejects. */
  wait(ms: number): Promise<void>
  pause(paused: boolean): void
  confirm(receipt: Receipt): void
  /** Asks the worker to hand everything over. */
  suspend(): void
  /** Nothing will run from the next moment on: a worker that has not handed everything over is ended. */
  freeze(): void
  resume(): void
  close(): Promise<void>
  /** @throws UnavailableError when something could not be removed. Called again, it goes on. */
  destroy(): Promise<void>
}

export interface WorkerKeeperOptions {
  readonly openWorker: OpenWorker
  onNotice(notice: Notice): void
  /** A worker failed, or could not be started. There will be no other when `fatal`. */
  onFailure(error: DustError, fatal: boolean): void
  setTimer(ms: number, run: () => void): () => void
  /** In [0, 1). */
  random(): number
}

/** A worker that dies so often, without having answered anything in between, will die again. */
const TRIES = 3

export function createWorkerKeeper(options: WorkerKeeperOptions): WorkerKeeper {
  const { openWorker, onNotice, onFailure, setTimer, random } = options
  const waits = new Set<() => void>()
  const registry = createRegistry()
  /** Workers that have handed everything over and are not used any more. */
  const parked: WorkerLink[] = []
  let paused = false
  let hidden = false
  let suspended = false
  let dead: DustError | undefined
  let closing: Promise<void> | undefined
  /** Without an answer in between. */
  let failures = 0
  /** None between two tries, and in a page that was frozen. */
  let link: WorkerLink | undefined
  /** Tells the present one from those before. */
  let generation = 0
  let started = false
  /** It has handed everything over since it was told to. */
  let left = false
  /** Ends a `destroy` that the present worker has not finished. */
  let failDestroy: ((error: DustError) => void) | undefined

  const calls = createOpenCalls({
    setTimer,
    onAnswered(batch, results) {
      failures = 0
      registry.answered(batch, results)
    },
  })
  const retries = createWorkerRetries({ setTimer, random, retry: () => start() })
  const watch = createWorkerWatch({
    setTimer,
    worker: () => (suspended || !link ? undefined : { link, started }),
    onHung: (error) => replace(error),
    onSteady() {
      failures = 0
    },
  })

  const end = (error: DustError): void => {
    dead = error
    watch.stop()
    retries.cancel()
    calls.rejectAll(error)
    // Whose call has just failed must not be told instead that its time is up.
    if (waits.size === 0) return
    setTimer(0, () => {
      for (const resolve of waits) resolve()
    })
  }

  /** No worker from now on. */
  const drop = (): void => {
    link?.terminate()
    link = undefined
    generation += 1
    started = false
    calls.serveBy(undefined)
    onNotice({ kind: 'leading', leading: false })
  }

  const giveUp = (error: DustError): void => {
    drop()
    onFailure(error, true)
    failDestroy?.(error)
    end(error)
  }

  const replace = (error: UnavailableError): void => {
    if (dead || closing) return
    const begun = started
    drop()
    if (begun) failures += 1
    if (failures >= TRIES) {
      giveUp(error)
      return
    }
    onFailure(error, false)
    if (!begun) calls.obstructed(error)
    // What it was about to remove must not be opened by another; the next `destroy` starts one.
    if (failDestroy) failDestroy(error)
    else if (begun) start()
    else retries.plan()
  }

  const note = (notice: Notice): void => {
    if (notice.kind === 'restart' && link) {
      // Ending it now would block the files of the whole origin: Chromium takes three seconds for each handle of a
      // file that it has removed.
      void link.suspend()
      parked.push(link)
      link = undefined
      onNotice({ kind: 'leading', leading: false })
      start()
    }
    if (notice.kind === 'unclosed')
      replace(
        new UnavailableError(
          `Dust's worker may still have had files open, and was started anew: ${notice.error.message}`,
        ),
      )
    if (notice.kind === 'device') registry.belongs(notice.device)
    if (notice.kind === 'busy') watch.expectBusy(notice.forMs)
    if (notice.kind !== 'news') return
    registry.settled(notice.news.settled)
    registry.dropped(notice.news.dropped)
  }

  /** What the first worker is told, and the later ones of what was registered with it. */
  let first = true

  const start = (): void => {
    if (dead || suspended || link) return
    retries.cancel()
    generation += 1
    const own = generation
    started = false
    left = false
    /** Runs only while that worker is the one that counts. */
    const current =
      <T extends unknown[]>(run: (...args: T) => void) =>
      (...args: T): void => {
        if (own === generation) run(...args)
      }
    try {
      link = openWorker(
        {
          onNotice: current((notice: Notice) => {
            note(notice)
            onNotice(notice)
          }),
          onStarted: current(() => {
            started = true
            retries.reset()
            watch.reset()
            calls.unobstructed()
          }),
          onSilence: current(() => watch.suspect()),
          onFailure: current(replace),
          onRefused: current(giveUp),
        },
        first ? undefined : registry.all,
      )
    } catch (error) {
      // `openWorker` throws Dust errors only. Told in a turn of its own, as any other failure.
      const refusal = error as DustError
      dead = refusal
      setTimer(0, () => giveUp(refusal))
      return
    }
    first = false
    if (paused) link.pause(true)
    if (hidden) link.signal('hidden')
    calls.serveBy(link)
  }

  start()

  return {
    calls: (batch, expire) => (dead ? Promise.reject(dead) : calls.send(batch, expire)),
    signal(signal) {
      if (signal === 'hidden' || signal === 'visible') hidden = signal === 'hidden'
      link?.signal(signal)
      // All others may mean that what could not be loaded can be.
      if (signal !== 'offline' && signal !== 'hidden') retries.hurry()
    },
    wait: (ms) =>
      new Promise((resolve) => {
        const done = (): void => {
          cancel()
          waits.delete(done)
          resolve()
        }
        waits.add(done)
        // The worker's timer is the exact one in a hidden page, but it goes with its worker.
        const cancel = setTimer(dead ? 0 : ms, done)
        link?.wait(ms).then(done, () => undefined)
      }),
    pause(wanted) {
      paused = wanted
      link?.pause(wanted)
    },
    confirm: (receipt) => link?.confirm(receipt),
    suspend() {
      if (suspended) return
      suspended = true
      // One that hangs would never hear of it, and keep everything.
      if (watch.doubtful) drop()
      const own = link
      void own?.suspend().then(() => {
        if (own === link && suspended) left = true
      })
    },
    freeze() {
      suspended = true
      if (!left) drop()
    },
    resume() {
      if (!suspended) return
      suspended = false
      left = false
      watch.reset()
      if (link) link.resume()
      else start()
    },
    close() {
      closing ??= (async () => {
        watch.stop()
        retries.cancel()
        if (!dead) await link?.close()
        for (const one of parked) one.terminate()
        if (!dead) end(new UnavailableError("Dust's worker was ended before it answered."))
      })()
      return closing
    },
    async destroy() {
      if (dead) throw dead
      start()
      if (!link) throw dead ?? new UnavailableError('The page is frozen. Call destroy() again when it runs.')
      const failed = new Promise<never>((_, reject) => {
        failDestroy = reject
      })
      try {
        await Promise.race([link.destroy(), failed])
      } finally {
        failDestroy = undefined
      }
    },
  }
}

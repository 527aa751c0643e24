import { errorFromData, UnavailableError } from '@dustlayer/protocol'
import type { IssuedToken } from '@dustlayer/sync'
import { proxy, releaseProxy, transfer, wrap } from 'comlink'
import { randomId } from '../random-id.js'
import { spawnWorker } from '../spawn-worker.js'
import type { Call, CallResult } from '../tab/calls.js'
import type { Receipt } from '../tab/news.js'
import type { Hello, PageSignal } from '../tab/tab-protocol.js'
import { lifeEnded, watchLife } from './worker-life.js'
import type { Notice, WorkerApi, WorkerConfig } from './worker-protocol.js'

/** The page's end of one worker. */
export interface WorkerLink {
  /**
   * `again`: a worker before this one may have passed the calls on.
   * @throws UnavailableError when the worker cannot take them.
   */
  calls(batch: readonly Call[], again: boolean): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  /** Resolves after so many milliseconds: browsers slow down the timers of a hidden page, not those of its worker. */
  wait(ms: number): Promise<void>
  pause(paused: boolean): void
  /** What has been taken in of the news. */
  confirm(receipt: Receipt): void
  /** Resolves when the worker has answered. */
  ping(): Promise<void>
  /** Resolves when the worker has handed everything over; never rejects. */
  suspend(): Promise<void>
  resume(): void
  /** Lets the worker hand everything over, then ends it. */
  close(): Promise<void>
  /** Ends it at once. */
  terminate(): void
  /** @throws UnavailableError when something of the instance's data could not be removed. */
  destroy(): Promise<void>
}

/** What the worker tells unasked. */
export interface WorkerHandlers {
  onNotice(notice: Notice): void
  /** The worker is ready for calls. */
  onStarted(): void
  /** The worker seems to have ended; it is alive all the same if it answers. */
  onSilence(): void
  /** The worker cannot be relied on any more; not told after `close` or `terminate`. */
  onFailure(error: UnavailableError): void
  /** The page may not start this worker, now or later; told instead of a failure. */
  onRefused(error: UnavailableError): void
}

export interface WorkerLinkOptions {
  readonly workerUrl: string | URL | undefined
  readonly config: WorkerConfig
  getToken(): Promise<IssuedToken | null>
}

/**
 * Starts a worker; `restored` is what an earlier worker of this page had registered.
 * @throws UnavailableError when this page can start none from there, now or later.
 */
export type OpenWorker = (handlers: WorkerHandlers, restored: Hello | undefined) => WorkerLink

/** A worker that the page's policy forbids fails as any other; the browser tells why in an event around then. */
const POLICY_MS = 50

/** How long a worker may take to hand over before it is ended anyway. */
const CLOSE_DEADLINE_MS = 5_000

/**
 * Starts a worker of its own for this page.
 *
 * Comlink forgets a call when its proxy is collected (GoogleChromeLabs/comlink#692) and never learns of a worker's
 * death, so this keeps the proxy for as long as the worker lives; `createWorkerKeeper` watches over it.
 */
export function startWorker(
  { workerUrl, config, getToken }: WorkerLinkOptions,
  handlers: WorkerHandlers,
  restored: Hello | undefined,
): WorkerLink {
  const worker = spawn(workerUrl)
  const remote = wrap<WorkerApi>(worker)
  const notices = new MessageChannel()
  const off = new AbortController()
  const life = `dust:worker:${randomId('')}`
  let started = false
  let holdsLife = false
  let watching = new AbortController()
  let forbidden: string | undefined

  const fail = (reason: string): void => {
    if (off.signal.aborted) return
    if (started) {
      handlers.onFailure(new UnavailableError(`Dust's worker failed: ${reason}.`))
      return
    }
    const cancel = setTimeout(() => {
      if (forbidden === undefined) handlers.onFailure(notStarted(reason))
      else handlers.onRefused(refused(`the page's Content-Security-Policy forbids it (${forbidden})`))
    }, POLICY_MS)
    off.signal.addEventListener('abort', () => clearTimeout(cancel))
  }

  const watch = (): void => {
    watching.abort()
    watching = new AbortController()
    if (holdsLife) watchLife(life, watching.signal, handlers.onSilence)
  }

  const terminate = (): void => {
    off.abort()
    watching.abort()
    remote[releaseProxy]()
    notices.port1.onmessage = null
    notices.port1.close()
    worker.terminate()
  }

  const ignoreFailure = (): void => {
    // `onFailure` tells it, and there is no caller to tell.
  }

  const { signal } = off
  document.addEventListener(
    'securitypolicyviolation',
    ({ disposition, effectiveDirective }) => {
      if (!started && disposition === 'enforce' && effectiveDirective === 'worker-src')
        forbidden = effectiveDirective
    },
    { signal },
  )
  worker.addEventListener(
    'error',
    (event) => {
      event.preventDefault()
      fail(event.message || 'its script could not be loaded')
    },
    { signal },
  )
  worker.addEventListener('messageerror', () => fail('a message could not be read'), { signal })
  notices.port1.onmessage = ({ data }) => handlers.onNotice(data)
  remote.start(config, life, transfer(notices.port2, [notices.port2]), proxy(getToken), restored).then(
    (living) => {
      started = true
      holdsLife = living
      watch()
      handlers.onStarted()
    },
    (error: unknown) => fail(messageOf(error)),
  )

  return {
    async calls(batch, again) {
      try {
        return await remote.calls(batch, again)
      } catch (cause) {
        throw new UnavailableError(
          `Dust's worker could not take the call: ${messageOf(cause)}`,
          {},
          { cause },
        )
      }
    },
    signal: (signal) => void remote.signal(signal).catch(ignoreFailure),
    wait: (ms) => remote.wait(ms),
    pause: (paused) => void remote.pause(paused).catch(ignoreFailure),
    // By the port of the news: nobody waits for an answer.
    confirm: (receipt) => notices.port1.postMessage(receipt),
    ping: () => remote.ping(),
    suspend() {
      // A page in the back/forward cache to which something happens is dropped, and be it the end of a wait.
      watching.abort()
      return remote.suspend().catch(() => new Promise<never>(() => undefined))
    },
    resume() {
      watch()
      void remote.resume().catch(ignoreFailure)
    },
    async close() {
      let timer: ReturnType<typeof setTimeout> | undefined
      const tooLate = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_DEADLINE_MS)
      })
      await Promise.race([remote.close().catch(ignoreFailure), tooLate])
      terminate()
      // Nothing is left running only when the browser has ended the worker, too.
      if (holdsLife) await Promise.race([lifeEnded(life), tooLate])
      clearTimeout(timer)
    },
    terminate,
    async destroy() {
      const failure = await remote.destroy()
      if (failure) throw errorFromData(failure)
    },
  }
}

/** @throws UnavailableError when the browser says at once that it starts no worker from there. */
function spawn(workerUrl: string | URL | undefined): Worker {
  try {
    return spawnWorker(workerUrl)
  } catch (cause) {
    throw refused(messageOf(cause), cause)
  }
}

function notStarted(reason: string): UnavailableError {
  return new UnavailableError(
    `Dust's worker did not start: ${reason}. It is tried again. Check that its file is served (see docs/bundlers.md); if the app was deployed anew, reload the page.`,
  )
}

function refused(reason: string, cause?: unknown): UnavailableError {
  const what = `Dust's worker cannot be started: ${reason}. Serve its file from the page's own origin and allow it in worker-src (see docs/bundlers.md and docs/browsers.md), then reload the page.`
  return new UnavailableError(what, {}, cause === undefined ? undefined : { cause })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

import { errorFromData, UnavailableError } from '@dustlayer/protocol'
import type { IssuedToken } from '@dustlayer/sync'
import { proxy, releaseProxy, transfer, wrap } from 'comlink'
import { randomId } from '../random-id.js'
import { spawnWorker } from '../spawn-worker.js'
import type { Call, CallResult, Hello, PageSignal, Receipt } from '../tab/tab-protocol.js'
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
  suspend(): void
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
}

export interface WorkerLinkOptions {
  readonly workerUrl: string | URL | undefined
  readonly config: WorkerConfig
  getToken(): Promise<IssuedToken | null>
}

/** Starts a worker; `restored` is what an earlier worker of this page had registered. */
export type OpenWorker = (handlers: WorkerHandlers, restored: Hello | undefined) => WorkerLink

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
  const worker = spawnWorker(workerUrl)
  const remote = wrap<WorkerApi>(worker)
  const notices = new MessageChannel()
  const off = new AbortController()
  const life = `dust:worker:${randomId('')}`
  let started = false
  let holdsLife = false

  const fail = (reason: string): void => {
    if (off.signal.aborted) return
    const what = started ? "Dust's worker failed" : "Dust's worker did not start"
    const hint = started
      ? ''
      : " Check that its file is served (see docs/bundlers.md) and that the page's Content-Security-Policy allows it."
    handlers.onFailure(new UnavailableError(`${what}: ${reason}.${hint}`))
  }

  const terminate = (): void => {
    off.abort()
    remote[releaseProxy]()
    notices.port1.onmessage = null
    notices.port1.close()
    worker.terminate()
  }

  const ignoreFailure = (): void => {
    // `onFailure` tells it, and there is no caller to tell.
  }

  const { signal } = off
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
      if (living) watchLife(life, signal, handlers.onSilence)
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
    suspend: () => void remote.suspend().catch(ignoreFailure),
    resume: () => void remote.resume().catch(ignoreFailure),
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

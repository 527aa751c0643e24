import { UnavailableError } from '@dustlayer/protocol'
import { proxy, releaseProxy, transfer, wrap } from 'comlink'
import { spawnWorker } from '../spawn-worker.js'
import type { Call, CallResult, PageSignal } from '../tab/tab-protocol.js'
import type { Notice, WorkerApi, WorkerConfig } from './worker-protocol.js'

/** The page's end of its worker. */
export interface WorkerLink {
  /** @throws UnavailableError when the worker is or becomes unusable before it answers. */
  calls(batch: readonly Call[]): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  pause(paused: boolean): void
  suspend(): void
  resume(): void
  /** Lets the worker hand everything over, then ends it. */
  close(): Promise<void>
}

/** What the worker tells unasked. */
export interface WorkerHandlers {
  onNotice(notice: Notice): void
  /** The worker failed. It cannot be used any more when `fatal`. */
  onFailure(error: UnavailableError, fatal: boolean): void
}

export interface WorkerLinkOptions {
  readonly workerUrl: string | URL | undefined
  readonly config: WorkerConfig
  getToken(): Promise<string>
}

/** How long a worker may take to hand over before it is ended anyway. */
const CLOSE_DEADLINE_MS = 5_000

/**
 * Starts a worker of its own for this page.
 *
 * Comlink forgets a call when its proxy is collected (GoogleChromeLabs/comlink#692) and never learns of a worker's
 * death, so this keeps the proxy for as long as the worker lives, and settles open calls itself.
 */
export function startWorker(options: WorkerLinkOptions, { onNotice, onFailure }: WorkerHandlers): WorkerLink {
  const { workerUrl, config, getToken } = options
  const worker = spawnWorker(workerUrl)
  const remote = wrap<WorkerApi>(worker)
  const notices = new MessageChannel()
  const open = new Set<(error: UnavailableError) => void>()
  let started = false
  let dead: UnavailableError | undefined

  const fail = (reason: string): void => {
    const error = new UnavailableError(
      started
        ? `Dust's worker failed: ${reason}`
        : `Dust's worker did not start: ${reason}. Check that its file is served (see docs/bundlers.md) and that the page's Content-Security-Policy allows it.`,
    )
    if (!started) dead = error
    for (const reject of open) reject(error)
    onFailure(error, dead !== undefined)
  }

  /** A remote call that also ends when the worker fails. */
  const guarded = <T>(run: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      if (dead) {
        reject(dead)
        return
      }
      open.add(reject)
      run()
        .then(resolve, (error: unknown) =>
          reject(
            new UnavailableError(
              `Dust's worker could not take the call: ${String(error)}`,
              {},
              { cause: error },
            ),
          ),
        )
        .finally(() => open.delete(reject))
    })

  const ignoreFailure = (): void => {
    // Reported by `onFailure`, and there is no caller to tell.
  }

  worker.addEventListener('error', (event) => {
    event.preventDefault()
    fail(event.message || 'its script could not be loaded')
  })
  worker.addEventListener('messageerror', () => fail('a message could not be read'))
  notices.port1.onmessage = ({ data }) => onNotice(data)
  guarded(() => remote.start(config, transfer(notices.port2, [notices.port2]), proxy(getToken))).then(() => {
    started = true
  }, ignoreFailure)

  return {
    calls: (batch) => guarded(() => remote.calls(batch)),
    signal: (signal) => void guarded(() => remote.signal(signal)).catch(ignoreFailure),
    pause: (paused) => void guarded(() => remote.pause(paused)).catch(ignoreFailure),
    suspend: () => void guarded(() => remote.suspend()).catch(ignoreFailure),
    resume: () => void guarded(async () => remote.resume()).catch(ignoreFailure),
    async close() {
      let timer: ReturnType<typeof setTimeout> | undefined
      const tooLate = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_DEADLINE_MS)
      })
      await Promise.race([guarded(() => remote.close()).catch(ignoreFailure), tooLate])
      clearTimeout(timer)
      remote[releaseProxy]()
      notices.port1.close()
      worker.terminate()
      const ended = new UnavailableError("Dust's worker was ended before it answered.")
      for (const reject of open) reject(ended)
    },
  }
}

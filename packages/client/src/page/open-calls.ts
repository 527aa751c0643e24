import { type DustError, errorToData } from '@dustlayer/protocol'
import type { Call, CallResult } from '../tab/calls.js'
import type { WorkerLink } from './worker-link.js'

/**
 * Rejects a call of a message whose other calls go on waiting; the answer that comes for it afterwards means nothing.
 * `at`: its place in the message.
 */
export type Expire = (at: number, error: DustError) => void

/** The calls of this page that no worker has answered yet, in the messages in which they were made. */
export interface OpenCalls {
  /** @throws DustError when no call of the message can be answered any more. */
  send(batch: readonly Call[], expire: Expire): Promise<readonly CallResult[]>
  /** From now on this worker gets the calls, to begin with all that are open; with undefined they wait for the next. */
  serveBy(worker: WorkerLink | undefined): void
  /**
   * No worker can be started at the moment. Calls wait for {@link UNSERVED_MS}, those that come now as well, and are
   * rejected then; what registers something waits on, since it would be missed for as long as the page lives.
   */
  obstructed(error: DustError): void
  /** A worker has started. */
  unobstructed(): void
  rejectAll(error: DustError): void
}

export interface OpenCallsOptions {
  onAnswered(calls: readonly Call[], results: readonly CallResult[]): void
  setTimer(ms: number, run: () => void): () => void
}

/** How long calls wait while no worker can be started; as long as workers wait for a leader. */
const UNSERVED_MS = 30_000

interface OpenBatch {
  /** Those that have not expired, and their places in the message. */
  calls: readonly Call[]
  places: readonly number[]
  readonly results: CallResult[]
  readonly expire: Expire
  sent: boolean
  cancelExpiry: (() => void) | undefined
  settle(results: readonly CallResult[]): void
  reject(error: DustError): void
}

export function createOpenCalls({ onAnswered, setTimer }: OpenCallsOptions): OpenCalls {
  const open = new Set<OpenBatch>()
  let worker: WorkerLink | undefined
  let obstruction: DustError | undefined

  const close = (one: OpenBatch): boolean => {
    one.cancelExpiry?.()
    one.cancelExpiry = undefined
    return open.delete(one)
  }

  const post = (one: OpenBatch): void => {
    const to = worker
    if (!to) return
    const { calls, places } = one
    const again = one.sent
    one.sent = true
    to.calls(calls, again).then(
      (results) => {
        if (!close(one)) return
        onAnswered(calls, results)
        for (const [i, result] of results.entries()) one.results[places[i] as number] = result
        one.settle(one.results)
      },
      (error: DustError) => {
        // What a worker that was replaced left open has been sent to the next.
        if (to === worker && close(one)) one.reject(error)
      },
    )
  }

  const expireCalls = (one: OpenBatch, error: DustError): void => {
    one.cancelExpiry = undefined
    const waiting: number[] = []
    one.calls.forEach((call, i) => {
      const place = one.places[i] as number
      if (registers(call)) {
        waiting.push(i)
        return
      }
      one.results[place] = { ok: false, error: errorToData(error) }
      one.expire(place, error)
    })
    const { calls, places } = one
    one.calls = waiting.map((i) => calls[i] as Call)
    one.places = waiting.map((i) => places[i] as number)
    if (waiting.length === 0 && close(one)) one.settle(one.results)
  }

  const limit = (one: OpenBatch): void => {
    one.cancelExpiry ??= setTimer(UNSERVED_MS, () => obstruction && expireCalls(one, obstruction))
  }

  return {
    send: (batch, expire) =>
      new Promise((settle, reject) => {
        const places = batch.map((_, i) => i)
        const results: CallResult[] = []
        const one: OpenBatch = {
          calls: batch,
          places,
          results,
          expire,
          sent: false,
          cancelExpiry: undefined,
          settle,
          reject,
        }
        open.add(one)
        if (obstruction) limit(one)
        post(one)
      }),
    serveBy(next) {
      worker = next
      for (const one of open) post(one)
    },
    obstructed(error) {
      obstruction = error
      for (const one of open) limit(one)
    },
    unobstructed() {
      obstruction = undefined
      for (const one of open) {
        one.cancelExpiry?.()
        one.cancelExpiry = undefined
      }
    },
    rejectAll(error) {
      for (const one of [...open]) if (close(one)) one.reject(error)
    },
  }
}

function registers({ kind }: Call): boolean {
  return kind === 'open' || kind === 'subscribe' || kind === 'live' || kind === 'watchStatus'
}

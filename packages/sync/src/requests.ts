import {
  type DustError,
  errorFromRejection,
  type FramePayload,
  type Reply,
  UnavailableError,
} from '@dustlayer/protocol'
import type { AbortSignalLike } from './abort-signal.js'
import { type Clock, createAlarm } from './clock.js'

const TIMEOUT_MS = 10_000
const OUT_OF_TURN_MS = 1_000

export interface RequestOptions {
  readonly signal?: AbortSignalLike
  /** How long to wait for the answer; 10 s by default. */
  readonly timeoutMs?: number
}

/** What became of a push: the server's answer, or why there is none. */
export type Outcome =
  | { readonly reply: Reply; readonly error?: never }
  | { readonly reply?: never; readonly error: DustError }

/** Pushes that are answered on this join or not at all. */
export interface Requests {
  /**
   * Pushes, and tells the outcome exactly once, within the turn that brings it. The result withdraws interest.
   * @throws FrameError when the payload cannot be sent; UnavailableError when the store is not joined.
   */
  send(event: string, payload: FramePayload, told: (outcome: Outcome) => void, timeoutMs?: number): () => void
  /** The same as a promise. A refusal by the server rejects it, as everything else that is no success. */
  request(event: string, payload: FramePayload, options?: RequestOptions): Promise<FramePayload>
  /** The join is over: nothing will be answered any more. */
  lost(error: DustError): void
}

export interface RequestsOptions {
  readonly store: string
  readonly clock: Clock
  push(event: string, payload: FramePayload, onReply: (reply: Reply) => void): void
  /** Why nothing can be asked now; null when it can. */
  unavailable(): DustError | null
}

export function createRequests({ store, clock, push, unavailable }: RequestsOptions): Requests {
  const open = new Set<(outcome: Outcome) => void>()

  const send: Requests['send'] = (event, payload, told, timeoutMs = TIMEOUT_MS) => {
    const deadline = createAlarm(clock)
    const withdraw = (): void => {
      open.delete(settle)
      deadline.clear()
    }
    const settle = (outcome: Outcome): void => {
      if (!open.has(settle)) return
      withdraw()
      told(outcome)
    }
    push(event, payload, (reply) => settle({ reply }))
    open.add(settle)
    deadline.set(timeoutMs, () => {
      const message = `${store}: the server did not answer "${event}" within ${timeoutMs} ms; whether it took effect is unknown.`
      settle({ error: new UnavailableError(message, { store }) })
    })
    return withdraw
  }

  const request: Requests['request'] = (event, payload, { signal, timeoutMs } = {}) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason
      const why = unavailable()
      if (why) throw why
      const stop = (): void => signal?.removeEventListener('abort', aborted)
      const withdraw = send(
        event,
        payload,
        (outcome) => {
          stop()
          if (outcome.error) reject(outcome.error)
          else if (outcome.reply.status === 'ok') resolve(outcome.reply.response)
          else reject(refusalOf(outcome.reply, store, payload))
        },
        timeoutMs,
      )
      const aborted = (): void => {
        stop()
        withdraw()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', aborted)
    })

  return {
    send,
    request,
    lost(error) {
      for (const settle of [...open]) settle({ error })
    },
  }
}

function refusalOf({ response }: Reply, store: string, { path }: FramePayload): DustError {
  const reason = typeof response.reason === 'string' ? response.reason : 'unknown'
  const target = { store, ...(typeof path === 'string' && { path }) }
  // It has no place in the outbox behind which to wait: what it met is the server asking to slow down.
  if (reason === 'out_of_turn')
    return errorFromRejection({ reason: 'rate_limited', retry_after_ms: OUT_OF_TURN_MS }, target)
  return errorFromRejection({ ...response, reason }, target)
}

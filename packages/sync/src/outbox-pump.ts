import {
  AuthorizationError,
  type DustError,
  errorFromRejection,
  FrameError,
  RateLimitedError,
  RejectedError,
  type Reply,
  type WritePayload,
} from '@dustlayer/protocol'
import type { OutboxOp, SyncPort } from '@dustlayer/replica'
import { type Clock, createAlarm } from './clock.js'
import type { Sent } from './session.js'
import { createSuspects } from './suspects.js'

/** How much may be under way to the server without an answer. */
const WINDOW_OPS = 100
const WINDOW_BYTES = 256 * 1024
/** What the socket may have waiting, from all stores. */
const MAX_BUFFERED = 1024 * 1024
const DRAIN_POLL_MS = 50
const PROBE_AFTER_MS = 10_000
const REJOIN_AFTER_MS = 20_000
const MIN_RATE_LIMIT_MS = 250
const STORAGE_RETRY_MS = 10_000

/** Refusals that are about the store or the token, not about the op: it may well be accepted later. */
const HOLDING_REASONS: ReadonlySet<string> = new Set([
  'unauthorized',
  'store_not_allowed',
  'missing_scope',
  'store_archived',
])

/** The way of ops to the server, from one catch-up to the loss of that join. */
export interface Lane {
  /** @throws FrameError when the op cannot be encoded. */
  push(payload: WritePayload, onReply: (reply: Reply) => void): Sent
  readonly buffered: number
  probe(): void
  /** The topic has to be joined anew: what it was sent got no answer. */
  rejoin(error: DustError | null): void
}

/**
 * Sends the outbox in issue order. An op leaves the outbox by the server's word only, so whatever is unanswered
 * when a join ends is sent again after the next catch-up, unless that showed it in the log.
 */
export interface OutboxPump {
  /** Why ops are held back now. */
  readonly obstacle: DustError | null
  /** Whether only a new token or another state of the store lets ops go on. */
  readonly held: boolean
  /** Catch-up is complete: what is still in the outbox is not in the log. */
  start(lane: Lane, grants: { readonly write: boolean }): void
  /** The join is over. `crash`: something that it was sent may be the cause. */
  stop(cause: 'crash' | 'lost'): void
  /** Sends what can be sent. */
  pump(): void
  /** Passes the answers that have come to the replica; to be called after the events before them are applied. */
  settle(): void
  close(): void
}

export interface OutboxPumpOptions {
  readonly store: string
  readonly port: SyncPort
  readonly clock: Clock
  /** There are answers to settle. */
  answered(): void
  /** An op of ours has this place in the log. */
  accepted(seq: number): void
  /** A pause has ended. */
  resumed(): void
}

interface Flight {
  readonly op: OutboxOp
  readonly bytes: number
}

export function createOutboxPump(options: OutboxPumpOptions): OutboxPump {
  const { store, port, clock } = options
  const flights = new Map<string, Flight>()
  const suspects = createSuspects()
  const pause = createAlarm(clock)
  const drain = createAlarm(clock)
  const silence = createAlarm(clock)
  let answers: { readonly op: OutboxOp; readonly reply: Reply }[] = []
  let lane: Lane | undefined
  let writable = true
  let sentThrough = 0
  let bytes = 0
  let hold: DustError | null = null
  let limit: DustError | null = null
  let pumping = false

  const watchSilence = (): void => {
    silence.clear()
    if (flights.size === 0) return
    silence.set(PROBE_AFTER_MS, () => {
      lane?.probe()
      // A link that is alive and a server that does not answer: only a new join tells what became of the ops.
      silence.set(REJOIN_AFTER_MS, () => lane?.rejoin(null))
    })
  }

  const answered = (op: OutboxOp, reply: Reply): void => {
    suspects.answered(op.opId)
    answers.push({ op, reply })
    options.answered()
  }

  const send = (op: OutboxOp, to: Lane): void => {
    let sent: Sent
    try {
      sent = to.push(op.payload, (reply) => answered(op, reply))
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause
      const message = `${store} ${op.payload.path}: the value cannot be sent. ${cause.message}`
      port.reject(op.opId, new RejectedError('not_encodable', message, targetOf(op)))
      return
    }
    flights.set(op.opId, { op, bytes: sent.bytes })
    bytes += sent.bytes
    if (!silence.active) watchSilence()
  }

  const targetOf = (op: OutboxOp) => ({ store, path: op.payload.path })

  const mustBeCareful = (): boolean => {
    const [oldest] = flights.values()
    return Math.min(sentThrough, oldest ? oldest.op.position - 1 : sentThrough) < suspects.carefulThrough
  }

  /** Sends what fits into the window; true when there may be more. */
  const sendSome = (): boolean => {
    if (!lane || hold || limit) return false
    const window = mustBeCareful() ? 1 : WINDOW_OPS
    if (flights.size >= window || bytes >= WINDOW_BYTES) return false
    if (lane.buffered > MAX_BUFFERED) {
      drain.set(DRAIN_POLL_MS, options.resumed)
      return false
    }
    const ops = port.outbox(sentThrough, window - flights.size)
    for (const op of ops) {
      if (!op.acked && !flights.has(op.opId)) {
        // An ifMatch on an own op can only be stated once that op has its revision.
        if (op.waitsFor !== null || bytes >= WINDOW_BYTES) return false
        if (!writable) {
          hold = missingWriteScope(store)
          return false
        }
        send(op, lane)
      }
      sentThrough = op.position
    }
    return ops.length > 0
  }

  const resendAfter = (ms: number, why: DustError): void => {
    limit = why
    pause.set(ms, () => {
      limit = null
      sentThrough = 0
      options.resumed()
    })
  }

  const refuse = (op: OutboxOp, { response }: Reply): void => {
    const reason = typeof response.reason === 'string' ? response.reason : 'unknown'
    const error = errorFromRejection({ ...response, reason }, targetOf(op))
    if (error instanceof RateLimitedError) {
      resendAfter(Math.max(error.retryAfterMs, MIN_RATE_LIMIT_MS), error)
    } else if (reason === 'storage_failed') {
      // The server's disk is at fault, not the op: refusing it would lose the write.
      resendAfter(STORAGE_RETRY_MS, error)
    } else if (HOLDING_REASONS.has(reason)) {
      hold = errorFromRejection({ ...response, reason }, { store })
    } else if (reason === 'unmatched topic') {
      lane?.rejoin(error)
    } else {
      port.reject(op.opId, error)
    }
  }

  return {
    get obstacle() {
      return hold ?? limit
    },
    get held() {
      return hold !== null
    },
    start(to, { write }) {
      lane = to
      writable = write
      hold = null
      sentThrough = 0
      for (const op of suspects.takeGuilty()) {
        const message = `${store} ${op.payload.path}: the server fails whenever it gets this op; it is not sent any more.`
        port.reject(op.opId, new RejectedError('quarantined', message, targetOf(op)))
      }
    },
    stop(cause) {
      if (cause === 'crash') suspects.crashed([...flights.values()].map(({ op }) => op))
      lane = undefined
      flights.clear()
      bytes = 0
      drain.clear()
      silence.clear()
    },
    pump() {
      // What the replica tells about a rejection can make the app write, and that ends up here again.
      if (pumping) return
      pumping = true
      try {
        while (sendSome());
      } finally {
        pumping = false
      }
    },
    settle() {
      // Others' events bring the pump here too, and are no sign that the server answers ours.
      if (answers.length === 0) return
      for (let answer = answers.shift(); answer; answer = answers.shift()) {
        const { op, reply } = answer
        // Until here the op counts as under way, or a pump in between would send it again.
        bytes -= flights.get(op.opId)?.bytes ?? 0
        flights.delete(op.opId)
        if (reply.status === 'error') {
          refuse(op, reply)
          continue
        }
        const { store_seq: seq } = reply.response
        if (typeof seq === 'number' && Number.isSafeInteger(seq)) {
          options.accepted(seq)
          port.ack(op.opId, seq)
        } else port.ack(op.opId, null)
      }
      watchSilence()
    },
    close() {
      lane = undefined
      flights.clear()
      answers = []
      for (const alarm of [pause, drain, silence]) alarm.clear()
    },
  }
}

function missingWriteScope(store: string): AuthorizationError {
  const message = `The token may not write to ${store}: pending writes stay here until another token is used.`
  return new AuthorizationError('missing_scope', message, 'entries:write', { store, scope: 'entries:write' })
}

import {
  AuthorizationError,
  type DustError,
  FrameError,
  type FramePayload,
  parseBatchReply,
  type Reply,
} from '@dustlayer/protocol'
import type { OutboxOp, SyncPort } from '@dustlayer/replica'
import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'
import { judgeRefusal } from './refusal.js'
import { createSendWindow } from './send-window.js'
import type { Sent } from './session.js'
import { lastPosition, payloadOf, readShipments, type Shipment } from './shipment.js'
import { isNoRoom } from './shortage.js'
import { createSuspects } from './suspects.js'
import { quarantined, unencodable, unsupportedBatch } from './unsent.js'

/** How many ops may be under way to the server without an answer. */
const WINDOW_OPS = 100
/** What the socket may have waiting, from all stores. */
const MAX_BUFFERED = 1024 * 1024
const DRAIN_POLL_MS = 50
const PROBE_AFTER_MS = 10_000
const REJOIN_AFTER_MS = 20_000
/** So slow may a link be for what was sent to count as still under way. */
const SLOWEST_BYTES_PER_MS = 1

/** The way of ops to the server, from one catch-up to the loss of that join. */
export interface Lane {
  /** @throws FrameError when the payload cannot be encoded. */
  push(event: 'write' | 'batch', payload: FramePayload, onReply: (reply: Reply) => void): Sent
  readonly buffered: number
  /** Checks the link; its answer may take so much longer. */
  probe(allowMs: number): void
  /** The topic has to be joined anew: what it was sent got no answer. */
  rejoin(error: DustError | null): void
}

/** What the join of a lane allows. */
export interface LaneTerms {
  readonly write: boolean
  /** The server takes batches as such. */
  readonly batches: boolean
  /** Whether an op is in the log already, although the replica does not know it yet. */
  inLog(opId: string): boolean
}

/**
 * Sends the outbox in issue order. An op leaves the outbox by the server's word only, so whatever is unanswered
 * when a join ends is sent again after the next catch-up, unless that showed it in the log.
 */
export interface OutboxPump {
  /** Why ops are held back now. */
  readonly obstacle: DustError | null
  /** What only a new token or another state of the store takes out of the way. */
  readonly hold: DustError | null
  /** Whether something is under way without an answer. */
  readonly busy: boolean
  /** Catch-up is complete: what is still in the outbox is not in the log. */
  start(lane: Lane, terms: LaneTerms): void
  /** The join is over. `crash`: something that it was sent may be the cause. */
  stop(cause: 'crash' | 'lost'): void
  /** Sends what can be sent. */
  pump(): void
  /** Passes the answers that have come to the replica; to be called after the events before them are applied. */
  settle(): void
  close(): void
}

/** What the pump needs of a replica. */
export type OutboxPort = Pick<SyncPort, 'outbox' | 'ack' | 'ackBatch' | 'reject' | 'rejectBatch'>

export interface OutboxPumpOptions {
  readonly store: string
  readonly port: OutboxPort
  readonly clock: Clock
  random(): number
  /** There are answers to settle. */
  answered(): void
  /** An op of ours has this place in the log. */
  accepted(seq: number): void
  /** A pause has ended. */
  resumed(): void
}

interface Flight {
  readonly shipment: Shipment
  readonly bytes: number
  readonly sentAt: number
}

interface Answer {
  readonly shipment: Shipment
  readonly reply: Reply
}

export function createOutboxPump(options: OutboxPumpOptions): OutboxPump {
  const { store, port, clock, random } = options
  const flights = new Map<string, Flight>()
  const suspects = createSuspects()
  const sendWindow = createSendWindow()
  const pause = createAlarm(clock)
  const drain = createAlarm(clock)
  const silence = createAlarm(clock)
  const pauses = createBackoff({ baseMs: 500, capMs: 60_000, jitter: 'half', random })
  let answers: Answer[] = []
  let lane: Lane | undefined
  let terms: LaneTerms = { write: true, batches: false, inLog: () => false }
  let sentThrough = 0
  let bytes = 0
  let opsUnderWay = 0
  let hold: DustError | null = null
  let limit: DustError | null = null
  let pumping = false

  const watchSilence = (): void => {
    silence.clear()
    if (flights.size === 0) return
    silence.set(PROBE_AFTER_MS, () => {
      const allowMs = bytes / SLOWEST_BYTES_PER_MS
      lane?.probe(allowMs)
      // A link that is alive and a server that does not answer: only a new join tells what became of the ops.
      silence.set(REJOIN_AFTER_MS + allowMs, () => lane?.rejoin(null))
    })
  }

  const answered = (shipment: Shipment, reply: Reply): void => {
    const flight = flights.get(shipment.id)
    if (flight) sendWindow.answered(clock.now() - flight.sentAt)
    suspects.answered(shipment.id)
    answers.push({ shipment, reply })
    options.answered()
  }

  const reject = ({ event, id, ops }: Shipment, error: DustError, opIndex: number | null = null): void => {
    if (event === 'batch') port.rejectBatch(id, error, opIndex)
    else port.reject(ops[0].opId, error)
  }

  const send = (shipment: Shipment, to: Lane): void => {
    let sent: Sent
    try {
      sent = to.push(shipment.event, payloadOf(shipment), (reply) => answered(shipment, reply))
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause
      reject(shipment, unencodable(store, shipment, cause))
      return
    }
    flights.set(shipment.id, { shipment, bytes: sent.bytes, sentAt: clock.now() })
    bytes += sent.bytes
    opsUnderWay += shipment.ops.length
    if (!silence.active) watchSilence()
  }

  const mustBeCareful = (): boolean => {
    const [oldest] = flights.values()
    const before = oldest ? oldest.shipment.ops[0].position - 1 : sentThrough
    return Math.min(sentThrough, before) < suspects.carefulThrough
  }

  /** Once everything behind what was turned away is answered too, all of it goes again, in issue order. */
  const beginAgain = (): void => {
    if (limit === null || pause.active || flights.size > 0) return
    limit = null
    sentThrough = 0
  }

  /** Sends what fits into the window; true when there may be more. */
  const sendSome = (): boolean => {
    beginAgain()
    if (!lane || hold || limit) return false
    const window = mustBeCareful() ? 1 : WINDOW_OPS
    if (opsUnderWay >= window || bytes >= sendWindow.bytes) return false
    if (lane.buffered > MAX_BUFFERED) {
      drain.set(DRAIN_POLL_MS, options.resumed)
      return false
    }
    const shipments = readShipments(port, sentThrough, window - opsUnderWay, terms)
    for (const shipment of shipments) {
      if (shipment.ops.some(isUnsent) && !flights.has(shipment.id)) {
        if (!mayGo(shipment)) return false
        if (shipment.unsupported) reject(shipment, unsupportedBatch(store, shipment))
        else send(shipment, lane)
      }
      sentThrough = lastPosition(shipment)
    }
    return shipments.length > 0
  }

  const isUnsent = ({ acked, opId }: OutboxOp): boolean => !acked && !terms.inLog(opId)

  const mayGo = ({ ops }: Shipment): boolean => {
    // An ifMatch on an own op can only be stated once that op has its revision.
    if (ops.some(({ waitsFor }) => waitsFor !== null) || bytes >= sendWindow.bytes) return false
    // A batch larger than what is left of the window has it for itself.
    if (flights.size > 0 && opsUnderWay + ops.length > WINDOW_OPS) return false
    if (!terms.write) hold = missingWriteScope(store)
    return terms.write
  }

  const turnAway = (why: DustError, ms: number): void => {
    limit = why
    pause.set(pauses.next(ms), options.resumed)
  }

  const refuse = (shipment: Shipment, { response }: Reply): void => {
    const { meaning, error, waitMs, opIndex } = judgeRefusal(store, shipment, response)
    switch (meaning) {
      case 'later':
        turnAway(error, waitMs)
        return
      case 'out-of-turn':
        // Behind one that was turned away, and sent again with it. If there is none, only a new join clears it up.
        if (!limit) lane?.rejoin(error)
        return
      case 'held':
        hold = error
        return
      case 'not-joined':
        lane?.rejoin(error)
        return
      case 'refused':
        reject(shipment, error, opIndex)
    }
  }

  const accept = ({ event, id, ops }: Shipment, { response }: Reply): void => {
    pauses.reset()
    if (event === 'batch') {
      const { store_seq: last, store_seqs: seqs } = parseBatchReply(response, ops.length)
      options.accepted(last)
      port.ackBatch(id, seqs)
      return
    }
    const { store_seq: seq } = response
    const placed = typeof seq === 'number' && Number.isSafeInteger(seq)
    if (placed) options.accepted(seq)
    port.ack(ops[0].opId, placed ? seq : null)
  }

  const judge = ({ shipment, reply }: Answer): void =>
    reply.status === 'error' ? refuse(shipment, reply) : accept(shipment, reply)

  const forget = (answer: Answer): void => {
    answers = answers.filter((other) => other !== answer)
    const { id, ops } = answer.shipment
    const flight = flights.get(id)
    if (!flight) return
    flights.delete(id)
    bytes -= flight.bytes
    opsUnderWay -= ops.length
  }

  return {
    get obstacle() {
      return hold ?? limit
    },
    get hold() {
      return hold
    },
    get busy() {
      return flights.size > 0
    },
    start(to, granted) {
      lane = to
      terms = granted
      hold = null
      sentThrough = 0
      suspects.forgetBefore(port.outbox(0, 1)[0]?.position ?? Number.POSITIVE_INFINITY)
      for (const shipment of suspects.takeGuilty()) reject(shipment, quarantined(store, shipment))
    },
    stop(cause) {
      if (cause === 'crash') suspects.crashed([...flights.values()].map(({ shipment }) => shipment))
      lane = undefined
      flights.clear()
      bytes = 0
      opsUnderWay = 0
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
      for (let [answer] = answers; answer; [answer] = answers) {
        try {
          judge(answer)
        } catch (error) {
          // Until it can be written down, what was answered counts as under way.
          if (!isNoRoom(error)) forget(answer)
          throw error
        }
        forget(answer)
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

import {
  type Codec,
  type DustError,
  type Frame,
  FrameError,
  type FramePayload,
  isObject,
  type Ref,
  type Reply,
} from '@dustlayer/protocol'
import { type Clock, createAlarm } from './clock.js'
import type { Link } from './transport.js'

const HEARTBEAT_TOPIC = 'phoenix'
/** Proxies and routers forget connections that are silent for half a minute. */
const HEARTBEAT_MS = 25_000
/** While data is under way, an answer may stand behind a long message on a slow link, of which nothing shows. */
const BUSY_DEADLINE_MS = 60_000
/** How often a late heartbeat is forgiven because other frames keep coming, when there is no reason for them to. */
const MAX_EXTENSIONS = 2
/** A deadline that is noticed so much too late was slept through, and says nothing about the link. */
const SLEPT_MS = 1_000
/** Servers close a connection that sends a longer message (spec/wire.md §11). */
const MAX_MESSAGE_BYTES = 8_000_000

export interface Message {
  readonly joinRef: string | null
  readonly topic: string
  readonly event: string
  readonly payload: FramePayload
}

/** What was sent: the ref under which the reply comes, and about how many bytes it took. */
export interface Sent {
  readonly ref: string
  readonly bytes: number
}

interface Awaited {
  readonly joinRef: Ref
  readonly topic: string
  onReply(reply: Reply): void
}

/**
 * One open link: frames, refs and heartbeats. Refs begin anew with each session and replies are matched within it
 * only, so no reply can be taken for that of an earlier connection (conformance B22).
 */
export interface Session {
  /**
   * Sends one message. `onReply` is called at most once, and never when the session or the join ends first.
   * @throws FrameError when the payload cannot be encoded or is too large; nothing is sent then.
   */
  push(message: Message, onReply: (reply: Reply) => void): Sent
  /** Like `push`, with the message's own ref as its join_ref. */
  join(topic: string, payload: FramePayload, onReply: (reply: Reply) => void): Sent
  /** The join is over: nothing that was pushed in it is answered any more, and a late answer is not heard. */
  forget(joinRef: string): void
  /**
   * Sends a heartbeat now; without an answer within the short deadline the link counts as dead. Where messages of this
   * link have been seen to take longer than that, it gets as long as they took; `allowMs` is added.
   */
  probe(allowMs?: number): void
  readonly buffered: number
  /** Changes whenever something of use came from the peer, or left for it: the link moves, be it ever so slowly. */
  progress(): number
  receive(data: string | ArrayBuffer): void
  /** Stops the timers; nothing is called any more. */
  end(): void
}

export interface SessionOptions {
  readonly link: Link
  readonly codec: Codec
  readonly clock: Clock
  /** How long a heartbeat may stay unanswered. */
  readonly heartbeatDeadlineMs: number
  /** How long a probe may. */
  readonly probeDeadlineMs: number
  /** Whether there is data under way for which others may have to wait. */
  busy(): boolean
  /** A frame that is no reply, or a reply that cannot be read. */
  frame(frame: Frame): void
  /** A heartbeat was answered. */
  alive(): void
  /** A heartbeat was not answered in time. */
  silent(): void
  /** The peer sent what is no frame. */
  fault(error: DustError): void
}

export function createSession(options: SessionOptions): Session {
  const { link, codec, clock, heartbeatDeadlineMs, probeDeadlineMs } = options
  const replies = new Map<Ref, Awaited>()
  const interval = createAlarm(clock)
  const deadline = createAlarm(clock)
  let lastRef = 0
  let extensions = 0
  let ended = false
  let probing = false
  let moves = 0
  let buffered = 0
  let quietSince = clock.now()
  /** The longest that a message has been under way, as far as that shows. */
  let longestGap = 0

  const progress = (): number => {
    if (link.buffered < buffered) moves += 1
    buffered = link.buffered
    return moves
  }

  const send = (frame: Frame, onReply: (reply: Reply) => void): Sent => {
    const data = codec.encode(frame)
    if (data.length > MAX_MESSAGE_BYTES)
      throw new FrameError(`A message of ${data.length} bytes is too large; servers take 8 MB.`)
    quietSince = clock.now()
    // A frame that we send has a ref.
    const ref = frame[1] as string
    replies.set(ref, { joinRef: frame[0], topic: frame[2], onReply })
    link.send(data)
    return { ref, bytes: data.length }
  }

  const nextRef = (): string => {
    lastRef += 1
    return String(lastRef)
  }

  const push: Session['push'] = ({ joinRef, topic, event, payload }, onReply) =>
    send([joinRef, nextRef(), topic, event, payload], onReply)

  const expectAnswer = (ms: number): void => {
    const before = progress()
    const due = clock.now() + ms
    deadline.set(ms, () => {
      const forgiven = options.busy() || extensions < MAX_EXTENSIONS
      if (clock.now() - due > SLEPT_MS) expectAnswer(probeDeadlineMs)
      // A long message in front of the answer is no silence; a link that only ever talks is no answer either.
      else if (progress() !== before && forgiven) {
        extensions += 1
        expectAnswer(ms)
      } else options.silent()
    })
  }

  const sendHeartbeat = (): void => {
    push({ joinRef: null, topic: HEARTBEAT_TOPIC, event: 'heartbeat', payload: {} }, () => {
      deadline.clear()
      extensions = 0
      probing = false
      options.alive()
    })
  }

  const beat = (): void => {
    interval.set(HEARTBEAT_MS, beat)
    sendHeartbeat()
    if (deadline.active) return
    expectAnswer(options.busy() ? Math.max(heartbeatDeadlineMs, BUSY_DEADLINE_MS) : heartbeatDeadlineMs)
  }

  const noteArrival = (): void => {
    const now = clock.now()
    if (options.busy()) longestGap = Math.max(longestGap, now - quietSince)
    quietSince = now
  }

  const deliverReply = ([, ref, topic]: Frame, reply: Reply): void => {
    const awaited = replies.get(ref)
    // What is wrong with one store's answers must not reach another store.
    if (awaited?.topic !== topic) return
    replies.delete(ref)
    awaited.onReply(reply)
  }

  interval.set(HEARTBEAT_MS, beat)
  return {
    push,
    join(topic, payload, onReply) {
      const ref = nextRef()
      return send([ref, ref, topic, 'phx_join', payload], onReply)
    },
    forget(joinRef) {
      for (const [ref, awaited] of replies) if (awaited.joinRef === joinRef) replies.delete(ref)
    },
    probe(allowMs = 0) {
      // Several signs of one and the same return must not put the deadline off.
      if (probing) return
      probing = true
      sendHeartbeat()
      const patience = options.busy() ? Math.min(2 * longestGap, BUSY_DEADLINE_MS) : 0
      expectAnswer(Math.max(probeDeadlineMs, patience) + allowMs)
    },
    get buffered() {
      return link.buffered
    },
    progress,
    receive(data) {
      if (ended) return
      noteArrival()
      let frame: Frame
      try {
        frame = codec.decode(data)
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        options.fault(error)
        return
      }
      // That the server answers a heartbeat moves nobody on.
      if (frame[2] !== HEARTBEAT_TOPIC) moves += 1
      const reply = frame[3] === 'phx_reply' ? parseReply(frame[4]) : undefined
      if (reply) deliverReply(frame, reply)
      else options.frame(frame)
    },
    end() {
      ended = true
      interval.clear()
      deadline.clear()
      replies.clear()
    },
  }
}

function parseReply({ status, response }: FramePayload): Reply | undefined {
  if (status !== 'ok' && status !== 'error') return undefined
  return response !== undefined && isObject(response) ? { status, response } : undefined
}

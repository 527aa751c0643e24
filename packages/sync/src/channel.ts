import {
  type DustError,
  errorFromRejection,
  type Frame,
  FrameError,
  type FramePayload,
  RateLimitedError,
  type Ref,
  type Reply,
  UnavailableError,
} from '@dustlayer/protocol'
import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'
import type { Sent, Session } from './session.js'

const JOIN_TIMEOUT_MS = 10_000
/** How often lateness is forgiven because the link brings other things, which may stand before what is late. */
const MAX_FORGIVEN = 12
const CATCH_UP_TIMEOUT_MS = 60_000
/** The catch-up timeout doubles so often at most, for stores whose one-frame snapshot takes longer than that. */
const MAX_PATIENCE = 4
const HEALTHY_MS = 10_000

/** Join refusals that another attempt with the same token meets again. */
const TERMINAL_REASONS: ReadonlySet<string> = new Set([
  'unauthorized',
  'store_not_allowed',
  'missing_scope',
  'store_archived',
])

/**
 * - `down`: no session.
 * - `joining`, `catching-up`, `live`: the stages of a join.
 * - `waiting`: joined again after a while.
 * - `refused`: the server does not let this token into the store; only a new session tries again.
 */
export type ChannelPhase = 'down' | 'joining' | 'catching-up' | 'live' | 'waiting' | 'refused'

/**
 * - `crash`: the server's side failed, perhaps because of something it was sent.
 * - `lost`: any other end of a join.
 */
export type ChannelEnd = 'crash' | 'lost'

/** The messages that carry a store's data. Which of them come depends on what the join agreed on. */
export type DataMessage = 'event' | 'events' | 'snapshot' | 'snapshot_chunk'

/** The membership of one store's topic: joins, and joins again after whatever ended a join. */
export interface Channel {
  readonly phase: ChannelPhase
  /** Why the store is not live, where that is known. */
  readonly error: DustError | null
  /** A new session: joins at once. */
  up(session: Session): void
  down(end: ChannelEnd): void
  receive(frame: Frame): void
  push(event: string, payload: FramePayload, onReply: (reply: Reply) => void): Sent
  /** Ends the join and makes a new one from the current cursor, after a short, growing wait. */
  rejoin(error: DustError | null, end?: ChannelEnd): void
  /** The same after a longer wait: what the server sends cannot be taken in, and would not be again at once. */
  fault(error: DustError): void
  /** Leaves, and joins again after at least so many milliseconds, whatever becomes of the connection until then. */
  joinAnew(error: DustError | null, atLeastMs: number): void
  /** Asks again to be let in, if that was refused. */
  knock(): void
  /** Leaves for good. */
  close(): void
}

export interface ChannelOptions {
  readonly store: string
  readonly clock: Clock
  random(): number
  /** The payload of the next join; undefined when the replica failed, which has been dealt with. */
  request(): FramePayload | undefined
  /** The join is granted. Data follows, unless this call ends the join. */
  joined(response: FramePayload): void
  /** What the server tells about the store's data. */
  data(message: DataMessage, payload: FramePayload, catchUp: boolean): void
  /** Everything up to `through` has been sent. Called while still catching up. */
  complete(through: number | null): void
  /** The join is over; called once for each join, before anything about the next one. */
  ended(end: ChannelEnd): void
  /** Phase or error have changed. */
  changed(): void
  unknownEvent(event: string): void
  /** The server sent what cannot be read. */
  unreadable(error: FrameError): void
}

export function createChannel(options: ChannelOptions): Channel {
  const { store, clock, random } = options
  const topic = `store:${store}`
  const rejoins = createBackoff({ baseMs: 200, capMs: 30_000, jitter: 'full', random })
  const faults = createBackoff({ baseMs: 2_000, capMs: 60_000, jitter: 'half', random })
  const wait = createAlarm(clock)
  const deadline = createAlarm(clock)
  const hold = createAlarm(clock)
  const healthy = createAlarm(clock)
  let phase: ChannelPhase = 'down'
  let error: DustError | null = null
  let session: Session | undefined
  let joinRef: string | null = null
  let overdue = 0
  let progressed = false
  let heldFor: DustError | null = null

  const enter = (next: ChannelPhase, why: DustError | null): void => {
    phase = next
    error = why
    options.changed()
  }

  const end = (how: ChannelEnd): void => {
    for (const alarm of [wait, deadline, healthy]) alarm.clear()
    if (joinRef === null) return
    session?.forget(joinRef)
    joinRef = null
    options.ended(how)
  }

  const rejoinIn = (ms: number, why: DustError | null, how: ChannelEnd): void => {
    end(how)
    // Telling the end may itself have brought the channel down.
    if (!session) return
    // A hold ends with a join, too.
    if (!hold.active) wait.set(ms, () => join(error))
    enter('waiting', why)
  }

  const released = (): void => {
    if (phase === 'waiting' && !wait.active) join(error)
  }

  const rejoin: Channel['rejoin'] = (why, how = 'lost') => {
    if (joinRef !== null) rejoinIn(rejoins.next(), why, how)
  }

  const join = (why: DustError | null): void => {
    if (!session) return
    const request = options.request()
    if (request === undefined) return
    const sent = session.join(topic, request, (reply) => {
      if (joinRef === sent.ref) answered(reply)
    })
    joinRef = sent.ref
    watchJoin(0)
    enter('joining', why)
  }

  /** On a slow link the answer may stand behind what other stores get. */
  const watchJoin = (forgiven: number): void => {
    const before = session?.progress()
    deadline.set(JOIN_TIMEOUT_MS, () => {
      if (session?.progress() !== before && forgiven < MAX_FORGIVEN) {
        watchJoin(forgiven + 1)
        return
      }
      const message = `${store}: the server did not answer the join. It is tried again.`
      rejoin(new UnavailableError(message, { store }))
    })
  }

  const answered = ({ status, response }: Reply): void => {
    if (phase !== 'joining') return
    if (status === 'ok') {
      const started = joinRef
      watchCatchUp()
      options.joined(response)
      if (joinRef === started) enter('catching-up', error)
      return
    }
    const reason = typeof response.reason === 'string' ? response.reason : 'unknown'
    const refusal = errorFromRejection({ ...response, reason }, { store })
    if (TERMINAL_REASONS.has(reason)) {
      end('lost')
      enter('refused', refusal)
    } else {
      const atLeastMs = refusal instanceof RateLimitedError ? refusal.retryAfterMs : 0
      rejoinIn(rejoins.next(atLeastMs), refusal, 'lost')
    }
  }

  /** Only a catch-up that stands still is overdue (conformance C25). */
  const watchCatchUp = (forgiven = 0): void => {
    progressed = false
    const before = session?.progress()
    deadline.set(CATCH_UP_TIMEOUT_MS * 2 ** overdue, () => {
      const moves = session?.progress() !== before && forgiven < MAX_FORGIVEN
      if (progressed || moves) {
        watchCatchUp(progressed ? 0 : forgiven + 1)
        return
      }
      overdue = Math.min(overdue + 1, MAX_PATIENCE)
      const message = `${store}: catching up stands still; what is here may be incomplete. It is tried again.`
      rejoin(new UnavailableError(message, { store }))
    })
  }

  const completed = (through: FramePayload[string] | undefined): void => {
    deadline.clear()
    overdue = 0
    const started = joinRef
    options.complete(typeof through === 'number' ? through : null)
    // What came last may have been unusable, and the join may be over.
    if (joinRef !== started) return
    healthy.set(HEALTHY_MS, () => {
      rejoins.reset()
      faults.reset()
    })
    enter('live', null)
  }

  const current = (ref: Ref): boolean =>
    ref === joinRef || (ref === null && (phase === 'catching-up' || phase === 'live'))

  return {
    get phase() {
      return phase
    },
    get error() {
      return error
    },
    up(opened) {
      session = opened
      overdue = 0
      if (hold.active) enter('waiting', heldFor)
      else join(null)
    },
    down(how) {
      session = undefined
      end(how)
      enter('down', null)
    },
    receive([ref, , , event, payload]) {
      if (joinRef === null) return
      switch (event) {
        // Data is true whichever join of this topic it was sent for, and the cursor tells what is new in it.
        case 'event':
        case 'events':
        case 'snapshot':
          progressed = true
          options.data(event, payload, phase !== 'live')
          return
        // A chunk continues the one before it, so those of another join are of no use.
        case 'snapshot_chunk':
          if (ref !== joinRef) return
          progressed = true
          options.data(event, payload, phase !== 'live')
          return
        case 'catch_up_complete':
          if (ref === joinRef && phase === 'catching-up') completed(payload.through_seq)
          return
        case 'phx_error':
          if (current(ref))
            rejoin(new UnavailableError(`${store}: the server's side failed. It is joined again.`), 'crash')
          return
        case 'phx_close':
          if (current(ref))
            rejoin(new UnavailableError(`${store}: the server closed the store. It is joined again.`))
          return
        case 'phx_reply':
          options.unreadable(new FrameError(`${store}: the server sent an answer that cannot be read.`))
          return
        default:
          options.unknownEvent(event)
      }
    },
    push(event, payload, onReply) {
      if (!session || joinRef === null) throw new UnavailableError(`${store} is not joined.`, { store })
      return session.push({ joinRef, topic, event, payload }, onReply)
    },
    rejoin,
    fault(why) {
      if (phase === 'refused') return
      // Without leaving, the server would go on sending what is of no use until then.
      leave()
      rejoinIn(faults.next(), why, 'lost')
    },
    joinAnew(why, atLeastMs) {
      if (phase === 'refused') return
      heldFor = why
      if (atLeastMs > 0) hold.set(atLeastMs, released)
      leave()
      rejoinIn(rejoins.next(), why, 'lost')
    },
    knock() {
      if (phase === 'refused') join(error)
    },
    close() {
      hold.clear()
      leave()
      end('lost')
      session = undefined
      phase = 'down'
    },
  }

  function leave(): void {
    if (session && joinRef !== null)
      session.push({ joinRef, topic, event: 'phx_leave', payload: {} }, () => {})
  }
}

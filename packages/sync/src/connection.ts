import {
  AuthorizationError,
  type Codec,
  type DustError,
  type Frame,
  UnavailableError,
} from '@dustlayer/protocol'
import { type Clock, createAlarm } from './clock.js'
import type { ConnectionState } from './connection-state.js'
import { createPace } from './pace.js'
import { createSession, type Session } from './session.js'
import { createTokenKeeper, LOST_ANSWER_MS, type TokenSource } from './token.js'
import { createTokenRenewal } from './token-renewal.js'
import type { Link, LinkClose, Network, ProbeResult, Transport } from './transport.js'
import { displayUrl, socketUrl } from './url.js'
import { verdictOf } from './verdict.js'
import { createWakeWatch } from './wake-watch.js'

const CONNECT_TIMEOUT_MS = 15_000
/** A token that takes longer is told. */
const TOKEN_SOON_MS = 15_000
/** How long the question why a handshake failed may take. */
const VERDICT_TIMEOUT_MS = 5_000
const HEARTBEAT_DEADLINE_MS = 10_000
const PROBE_DEADLINE_MS = 3_000
/** Deadlines double so often at most, for links on which the server's answer takes longer than that. */
const MAX_PATIENCE = 4
/** An attempt under way that a sign of life from outside finds older than this is begun anew. */
const YOUNG_MS = 3_000
/** A loss that takes longer than this to mend is not told as `connecting`. */
const SOON_MS = 2_000

/** Close codes by which a peer says that what we sent was at fault (RFC 6455 §7.4.1). */
const BLAMING_CODES: ReadonlySet<number> = new Set([1003, 1007, 1009, 1011])

/** How a session ended. `blamed`: the server gave up on it because of something that it had received. */
export type Loss = 'lost' | 'blamed'

/** The one socket that all stores of a client share. */
export interface Connection {
  state(): ConnectionState
  session(): Session | undefined
  start(): void
  /** Drops the link until the next `start`. */
  stop(): void
  /** Drops the link and stays off the network until `resume`, whatever else happens. */
  pause(): void
  resume(): void
  /**
   * The one way for all signs that the world may have changed (visible, shown again, online, awake): an open link is
   * checked now, and a wait for the next attempt ends, unless attempts would come too fast.
   */
  probe(): void
  /**
   * Drops what there is and connects anew, with a fresh token and without waiting. Called again and again, it does so
   * at the distances of a back-off, and not before the server wants to be asked again.
   */
  reconnect(): void
  /** Drops what there is and connects anew with this token. */
  redial(token: string): void
  /** The server does not take the token of the open connection. */
  tokenTurnedDown(): void
  close(): void
}

export interface ConnectionOptions {
  readonly url: string
  readonly token: TokenSource
  readonly deviceId: string
  readonly transport: Transport
  readonly clock: Clock
  readonly network: Network | undefined
  random(): number
  readonly codec: Codec
  opened(session: Session): void
  /** Called once for each `opened`. */
  lost(loss: Loss): void
  frame(frame: Frame): void
  /** Whether data is under way in the open session. */
  busy(): boolean
  /** There is another token than the one that the open session began with. */
  renewed(token: string): void
  /** The state has changed. */
  changed(): void
  problem(problem: DustError): void
}

interface Attempt {
  link: Link | undefined
  session: Session | undefined
}

export function createConnection(options: ConnectionOptions): Connection {
  const { transport, clock, network, random } = options
  const server = displayUrl(options.url)
  const keeper = createTokenKeeper(options.token, clock)
  const { problem, renewed } = options
  const renewal = createTokenRenewal({ keeper, clock, random, problem, renewed })
  const patience = createAlarm(clock)
  const young = createAlarm(clock)
  /** The next attempt is to drop what there is, and to ask for a token. */
  let wantsAnew = false
  let state: ConnectionState = { kind: 'idle', error: null }
  let current: Attempt | undefined
  let silences = 0
  let timeouts = 0
  let paused = false
  const online = (): boolean => network?.online() ?? true
  const active = (): boolean => !paused && state.kind !== 'idle' && state.kind !== 'closed'

  const enter = (kind: ConnectionState['kind'], error: DustError | null): void => {
    if (state.kind === kind && state.error === error) return
    state = { kind, error }
    options.changed()
  }

  /** Forgets the attempt; whatever its link still says is not heard any more, even if closing it has no effect. */
  const drop = (loss: Loss): void => {
    const attempt = current
    current = undefined
    pace.clear()
    patience.clear()
    young.clear()
    renewal.lost()
    attempt?.session?.end()
    attempt?.link?.close(1000, 'client')
    if (attempt?.session) options.lost(loss)
  }

  const failed = (error: DustError, atLeastMs = 0): void => {
    drop('lost')
    enter('offline', error)
    pace.failed(atLeastMs)
  }

  const refused = (error: DustError): void => {
    drop('lost')
    enter('refused', error)
    pace.refused()
  }

  const lost = (error: DustError, loss: Loss = 'lost'): void => {
    const { lasted } = pace
    drop(loss)
    const wait = pace.lost(lasted)
    enter(online() && wait <= SOON_MS ? 'connecting' : 'offline', error)
  }

  /** The peer does not speak our language; trying again at once would most likely meet the same. */
  const fault = (error: DustError): void => {
    options.problem(error)
    drop('lost')
    enter('offline', error)
    pace.faulty()
  }

  const opened = (attempt: Attempt, link: Link, token: string): void => {
    patience.clear()
    timeouts = 0
    const session = createSession({
      link,
      codec: options.codec,
      clock,
      heartbeatDeadlineMs: HEARTBEAT_DEADLINE_MS * 2 ** silences,
      probeDeadlineMs: PROBE_DEADLINE_MS * 2 ** silences,
      busy: options.busy,
      frame: options.frame,
      alive() {
        silences = 0
      },
      silent() {
        silences = Math.min(silences + 1, MAX_PATIENCE)
        lost(new UnavailableError(`${server} does not answer: the connection is made anew.`))
      },
      fault,
    })
    attempt.session = session
    pace.opened()
    renewal.opened(token)
    enter('open', null)
    options.opened(session)
  }

  const judge = (result: ProbeResult, info: LinkClose): void => {
    const { error, refused: no, atLeastMs } = verdictOf(server, result, info)
    if (!no) failed(error, atLeastMs)
    else {
      keeper.turnedDown()
      refused(error)
    }
  }

  const handshakeFailed = (attempt: Attempt, url: string, info: LinkClose): void => {
    const unknown = (): void => {
      if (current === attempt) judge({ outcome: 'unknown' }, info)
    }
    if (!transport.probe) {
      unknown()
      return
    }
    patience.set(VERDICT_TIMEOUT_MS, unknown)
    transport.probe(url).then((result) => {
      if (current === attempt) judge(result, info)
    }, unknown)
  }

  const dial = (attempt: Attempt, token: string): void => {
    const { url: base, deviceId } = options
    const ms = CONNECT_TIMEOUT_MS * 2 ** timeouts
    patience.set(ms, () => timedOut(ms))
    if (state.kind === 'no-token') enter('connecting', null)
    try {
      const url = socketUrl(base, { token, deviceId, vsn: options.codec.vsn })
      const link = transport.connect(url, {
        open() {
          if (current === attempt && !attempt.session) opened(attempt, link, token)
        },
        message(data) {
          if (current === attempt) attempt.session?.receive(data)
        },
        close(info) {
          if (current !== attempt) return
          if (!attempt.session) return handshakeFailed(attempt, url, info)
          const { code, reason } = info
          const why = reason === '' ? `code ${code}` : `${reason}, code ${code}`
          const error = new UnavailableError(`${server} closed the connection (${why}).`, { closeCode: code })
          lost(error, BLAMING_CODES.has(code) ? 'blamed' : 'lost')
        },
      })
      attempt.link = link
    } catch (cause) {
      // What was thrown may quote the URL with the token in it, so it is kept out of the message.
      failed(
        new UnavailableError(
          `No connection to ${server} could be started. It is tried again.`,
          {},
          { cause },
        ),
      )
    }
  }

  const timedOut = (ms: number): void => {
    // On a slow link the next one is given longer.
    timeouts = Math.min(timeouts + 1, MAX_PATIENCE)
    failed(new UnavailableError(`${server} did not answer within ${ms / 1000} s. It is tried again.`))
  }

  const noToken = (message: string): UnavailableError =>
    new UnavailableError(`The token function ${message}. Writes are kept.`, { reason: 'no_token' })

  /** The question stays open, and its answer counts whenever it comes. */
  const awaitToken = (): void => {
    patience.set(TOKEN_SOON_MS, () => {
      const seconds = TOKEN_SOON_MS / 1000
      const error = noToken(`has not answered for ${seconds} s. Its answer is awaited`)
      enter(online() ? 'no-token' : 'offline', error)
      patience.set(LOST_ANSWER_MS - TOKEN_SOON_MS, () => {
        failed(noToken(`has not answered for ${LOST_ANSWER_MS / 1000} s. It is called again`))
      })
    })
  }

  const attemptNow = (): void => {
    const attempt: Attempt = { link: undefined, session: undefined }
    current = attempt
    wantsAnew = false
    pace.begun()
    awaitToken()
    young.set(YOUNG_MS, () => {})
    if (state.kind === 'idle' || state.kind === 'open') enter('connecting', null)
    keeper.read({
      token(token) {
        if (current === attempt) dial(attempt, token)
      },
      failed(error) {
        if (current !== attempt) return
        if (error instanceof AuthorizationError) refused(error)
        else failed(error)
      },
    })
  }

  const begin = (): void => {
    drop('lost')
    attemptNow()
  }

  /** Ends a wait, or an attempt that began in another world. */
  const hurry = (): void => {
    if (state.kind === 'refused' || state.kind === 'open') return
    if (pace.mayHurry() && !(current && young.active)) begin()
  }

  const beginAnew = (first: boolean): void => {
    if (!pace.mayInsist()) return
    if (first) pace.forgiveRefusals()
    drop('lost')
    enter('connecting', null)
    attemptNow()
  }

  const pace = createPace({
    clock,
    random,
    online,
    due: () => attemptNow(),
    granted(first) {
      if (!active()) return
      if (first) pace.forgive()
      if (wantsAnew) beginAnew(first)
      else hurry()
    },
  })

  const probe = (): void => {
    if (!active() || state.kind === 'refused') return
    if (state.kind === 'open') current?.session?.probe()
    else if (!current || !young.active) pace.wish()
  }

  const wake = createWakeWatch(clock, probe)

  const networkChanged = (): void => {
    if (!active()) return
    // Going offline ends no attempt: it may reach a server on this very machine.
    if (online() || state.kind === 'open') probe()
    else if (!current) {
      enter('offline', state.kind === 'refused' ? null : state.error)
      pace.offline()
    } else if (state.kind === 'no-token') enter('offline', state.error)
  }

  const stopListening = network?.onChange(networkChanged)

  return {
    state: () => state,
    session: () => current?.session,
    start() {
      if (state.kind !== 'idle') return
      wake.start()
      if (paused) enter('offline', null)
      else if (online()) attemptNow()
      else {
        enter('offline', null)
        pace.offline()
      }
    },
    stop() {
      if (state.kind === 'closed') return
      wake.stop()
      pace.stop()
      drop('lost')
      enter('idle', null)
    },
    pause() {
      paused = true
      if (state.kind === 'idle' || state.kind === 'closed') return
      drop('lost')
      enter('offline', null)
    },
    resume() {
      if (!paused) return
      paused = false
      if (state.kind !== 'offline') return
      if (online()) pace.wish()
      else pace.offline()
    },
    probe,
    reconnect() {
      if (!active()) return
      keeper.turnedDown()
      wantsAnew = true
      pace.wish()
    },
    redial(token) {
      if (!active()) return
      keeper.offer(token)
      begin()
    },
    tokenTurnedDown: renewal.turnedDown,
    close() {
      if (state.kind === 'closed') return
      wake.stop()
      pace.stop()
      drop('lost')
      stopListening?.()
      enter('closed', null)
    },
  }
}

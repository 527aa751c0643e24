import {
  AuthorizationError,
  type Codec,
  type DustError,
  type Frame,
  UnavailableError,
} from '@dustlayer/protocol'
import { createBackoff } from './backoff.js'
import { type Clock, createAlarm } from './clock.js'
import type { ConnectionState } from './connection-state.js'
import { createSession, type Session } from './session.js'
import { createTokenKeeper, type TokenSource } from './token.js'
import { createTokenRenewal } from './token-renewal.js'
import type { Link, LinkClose, Network, ProbeResult, Transport } from './transport.js'
import { displayUrl, socketUrl } from './url.js'
import { verdictOf } from './verdict.js'
import { createWakeWatch } from './wake-watch.js'

const CONNECT_TIMEOUT_MS = 15_000
/** How long the question why a handshake failed may take. */
const VERDICT_TIMEOUT_MS = 5_000
const HEARTBEAT_DEADLINE_MS = 10_000
const PROBE_DEADLINE_MS = 3_000
/** Deadlines double so often at most, for links on which the server's answer takes longer than that. */
const MAX_PATIENCE = 4
/** An open connection that lasted so long ends a series of failures; of refusals and faults, the second. */
const HEALTHY_MS = 10_000
const CALM_MS = 60_000
/** Attempts are never closer than this, whatever happens around the page. */
const FLOOR_MS = 1_000
/** An attempt under way that a sign of life from outside finds older than this is begun anew. */
const YOUNG_MS = 3_000
/** Browsers are sometimes wrong about having no network. */
const OFFLINE_RETRY_MS = 60_000
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
  /** Drops what there is and connects anew, with a fresh token and without waiting. */
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
  const failures = createBackoff({ baseMs: 500, capMs: 30_000, jitter: 'full', random })
  const refusals = createBackoff({ baseMs: 2_000, capMs: 60_000, jitter: 'half', random })
  const retry = createAlarm(clock)
  const patience = createAlarm(clock)
  const healthy = createAlarm(clock)
  const calm = createAlarm(clock)
  const young = createAlarm(clock)
  /** While it is set, no attempt begins; `hurried`: one does when it ends. */
  const floor = createAlarm(clock)
  let hurried = false
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
    hurried = false
    for (const alarm of [retry, patience, healthy, calm, young, floor]) alarm.clear()
    renewal.lost()
    attempt?.session?.end()
    attempt?.link?.close(1000, 'client')
    if (attempt?.session) options.lost(loss)
  }

  const retryIn = (ms: number, floorMs = FLOOR_MS): void => {
    if (floorMs > 0)
      floor.set(floorMs, () => {
        if (hurried && !current) attemptNow()
      })
    retry.set(online() ? ms : Math.max(ms, OFFLINE_RETRY_MS), attemptNow)
  }

  const failed = (error: DustError, atLeastMs = 0): void => {
    drop('lost')
    enter('offline', error)
    retryIn(failures.next(atLeastMs), Math.max(atLeastMs, FLOOR_MS))
  }

  const refused = (error: DustError): void => {
    drop('lost')
    enter('refused', error)
    retryIn(refusals.next())
  }

  const lost = (error: DustError, loss: Loss = 'lost'): void => {
    const lasted = !healthy.active
    drop(loss)
    const wait = failures.next()
    enter(online() && wait <= SOON_MS ? 'connecting' : 'offline', error)
    retryIn(wait, lasted ? 0 : FLOOR_MS)
  }

  /** The peer does not speak our language; trying again at once would most likely meet the same. */
  const fault = (error: DustError): void => {
    options.problem(error)
    drop('lost')
    enter('offline', error)
    const wait = refusals.next()
    retryIn(wait, wait)
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
    healthy.set(HEALTHY_MS, failures.reset)
    calm.set(CALM_MS, refusals.reset)
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

  const attemptNow = (): void => {
    const attempt: Attempt = { link: undefined, session: undefined }
    current = attempt
    hurried = false
    for (const alarm of [retry, floor]) alarm.clear()
    const ms = CONNECT_TIMEOUT_MS * 2 ** timeouts
    patience.set(ms, () => timedOut(ms))
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
    if (floor.active) hurried = true
    else if (!current || !young.active) begin()
  }

  const probe = (): void => {
    if (!active() || state.kind === 'refused') return
    if (state.kind === 'open') current?.session?.probe()
    else hurry()
  }

  const wake = createWakeWatch(clock, () => {
    failures.reset()
    probe()
  })

  const networkChanged = (): void => {
    if (!active()) return
    if (online()) failures.reset()
    // Going offline ends no attempt: it may reach a server on this very machine.
    if (online() || state.kind === 'open') probe()
    else if (!current) {
      if (state.kind !== 'refused') enter('offline', state.error)
      retry.set(OFFLINE_RETRY_MS, attemptNow)
    }
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
        retryIn(OFFLINE_RETRY_MS, 0)
      }
    },
    stop() {
      if (state.kind === 'closed') return
      wake.stop()
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
      failures.reset()
      if (state.kind !== 'offline') return
      if (online()) attemptNow()
      else retryIn(OFFLINE_RETRY_MS, 0)
    },
    probe,
    reconnect() {
      if (!active()) return
      keeper.turnedDown()
      drop('lost')
      failures.reset()
      refusals.reset()
      enter('connecting', null)
      attemptNow()
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
      drop('lost')
      stopListening?.()
      enter('closed', null)
    },
  }
}

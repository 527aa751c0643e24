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
import { readToken, type TokenSource } from './token.js'
import type { Link, LinkClose, Network, ProbeResult, Transport } from './transport.js'
import { displayUrl, socketUrl } from './url.js'

const CONNECT_TIMEOUT_MS = 15_000
const PROBE_TIMEOUT_MS = 5_000
const HEARTBEAT_DEADLINE_MS = 10_000
/** The deadline doubles so often at most, for links where one large snapshot takes longer than that. */
const MAX_PATIENCE = 4
/** An open connection that lasted so long ends a series of failures; of refusals and faults, the second. */
const HEALTHY_MS = 10_000
const CALM_MS = 60_000

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
  /** Checks an open link now, and cuts a wait for the next attempt short. */
  probe(): void
  /** Drops what there is and connects anew, with a fresh token and without waiting. */
  reconnect(): void
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
  const failures = createBackoff({ baseMs: 500, capMs: 30_000, jitter: 'full', random })
  const refusals = createBackoff({ baseMs: 2_000, capMs: 60_000, jitter: 'half', random })
  const retry = createAlarm(clock)
  const patience = createAlarm(clock)
  const healthy = createAlarm(clock)
  const calm = createAlarm(clock)
  let state: ConnectionState = { kind: 'idle', error: null }
  let current: Attempt | undefined
  let silences = 0
  let paused = false
  const online = (): boolean => network?.online() ?? true

  const enter = (kind: ConnectionState['kind'], error: DustError | null): void => {
    if (state.kind === kind && state.error === error) return
    state = { kind, error }
    options.changed()
  }

  /** Forgets the attempt; whatever its link still says is not heard any more, even if closing it has no effect. */
  const drop = (loss: Loss): void => {
    const attempt = current
    current = undefined
    for (const alarm of [retry, patience, healthy, calm]) alarm.clear()
    attempt?.link?.close(1000, 'client')
    attempt?.session?.end()
    if (attempt?.session) options.lost(loss)
  }

  const retryIn = (ms: number): void => {
    // Without a network an attempt would only make the next wait longer.
    if (online()) retry.set(ms, attemptNow)
  }

  const failed = (error: DustError, atLeastMs = 0): void => {
    drop('lost')
    enter('offline', error)
    retryIn(failures.next(atLeastMs))
  }

  const refused = (error: DustError): void => {
    drop('lost')
    enter('refused', error)
    retryIn(refusals.next())
  }

  const lost = (error: DustError, loss: Loss = 'lost'): void => {
    drop(loss)
    enter(online() ? 'connecting' : 'offline', error)
    retryIn(failures.next())
  }

  /** The peer does not speak our language; trying again at once would most likely meet the same. */
  const fault = (error: DustError): void => {
    options.problem(error)
    drop('lost')
    enter('offline', error)
    retryIn(refusals.next())
  }

  const opened = (attempt: Attempt, link: Link): void => {
    patience.clear()
    const session = createSession({
      link,
      codec: options.codec,
      clock,
      heartbeatDeadlineMs: HEARTBEAT_DEADLINE_MS * 2 ** silences,
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
    enter('open', null)
    options.opened(session)
  }

  const judge = (result: ProbeResult, { code, reason }: LinkClose): void => {
    if (result.outcome === 'refused') {
      const message = `${server} refused the connection (${result.reason}). It is tried again, rarely; after a new sign-in, reconnect.`
      refused(new AuthorizationError('unauthorized', message, undefined, { reason: result.reason }))
      return
    }
    const why = reason === '' ? `close code ${code}` : reason
    const atLeastMs = result.outcome === 'busy' ? result.retryAfterMs : 0
    failed(
      new UnavailableError(`${server} cannot be reached (${why}). It is tried again.`, { closeCode: code }),
      atLeastMs,
    )
  }

  const handshakeFailed = (attempt: Attempt, url: string, info: LinkClose): void => {
    const unknown = (): void => {
      if (current === attempt) judge({ outcome: 'unknown' }, info)
    }
    if (!transport.probe) {
      unknown()
      return
    }
    patience.set(PROBE_TIMEOUT_MS, unknown)
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
          if (current === attempt && !attempt.session) opened(attempt, link)
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

  const attemptNow = (): void => {
    const attempt: Attempt = { link: undefined, session: undefined }
    current = attempt
    retry.clear()
    patience.set(CONNECT_TIMEOUT_MS, () => {
      failed(
        new UnavailableError(
          `${server} did not answer within ${CONNECT_TIMEOUT_MS / 1000} s. It is tried again.`,
        ),
      )
    })
    if (state.kind === 'idle' || state.kind === 'open') enter('connecting', null)
    readToken(options.token, {
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

  const networkChanged = (): void => {
    if (paused || state.kind === 'idle' || state.kind === 'closed') return
    if (state.kind === 'open') current?.session?.probe()
    else if (!online()) {
      // A running attempt is left alone: it may reach a server on this very machine.
      retry.clear()
      if (!current) enter('offline', state.error)
    } else if (!current && state.kind !== 'refused') {
      failures.reset()
      attemptNow()
    } else if (!current && !retry.active) retryIn(refusals.next())
  }

  const stopListening = network?.onChange(networkChanged)

  return {
    state: () => state,
    session: () => current?.session,
    start() {
      if (state.kind !== 'idle') return
      if (online() && !paused) attemptNow()
      else enter('offline', null)
    },
    stop() {
      if (state.kind === 'closed') return
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
      if (state.kind === 'offline' && online()) attemptNow()
    },
    probe() {
      if (paused) return
      if (state.kind === 'open') current?.session?.probe()
      else if (!current && (state.kind === 'offline' || state.kind === 'connecting')) attemptNow()
    },
    reconnect() {
      if (paused || state.kind === 'idle' || state.kind === 'closed') return
      drop('lost')
      failures.reset()
      refusals.reset()
      enter('connecting', null)
      attemptNow()
    },
    close() {
      if (state.kind === 'closed') return
      drop('lost')
      stopListening?.()
      enter('closed', null)
    },
  }
}

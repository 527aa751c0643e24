import {
  type DustError,
  errorToData,
  type FramePayload,
  StorageError,
  UnavailableError,
} from '@dustlayer/protocol'
import type { SyncPort } from '@dustlayer/replica'
import { createBarrier } from './barrier.js'
import { type ChannelPhase, createChannel } from './channel.js'
import { type Clock, createAlarm } from './clock.js'
import type { ConnectionState } from './connection-state.js'
import { createGapWatch } from './gap-watch.js'
import { createIntake, type Rebuild } from './intake.js'
import { parseGrants, parseTerms } from './join-reply.js'
import { listenerFailed, rebuilt, shown, unknownEvent, unknownOp } from './notices.js'
import { createOutboxPump } from './outbox-pump.js'
import { asDustError, type Problems } from './problems.js'
import { createProgressReport } from './progress-report.js'
import { createReauthorization } from './reauthorization.js'
import { createRequests } from './requests.js'
import { createResyncPace } from './resync-pace.js'
import type { Session } from './session.js'
import { createShortage, isNoRoom } from './shortage.js'
import { heldBy, stateOf } from './standing.js'
import { createStatusHolder } from './status.js'
import type { StoreSyncCore } from './store-sync.js'
import { createVerification } from './verification.js'

/** In these, what the server sends is for the present join. */
const JOINED: ReadonlySet<ChannelPhase> = new Set(['joining', 'catching-up', 'live'])
/** Acknowledged ops without an echo stand at the front of the outbox: what is sent goes in order. */
const FRONT = 1_000

export interface StoreSyncOptions {
  readonly store: string
  readonly port: SyncPort
  readonly deviceId: string
  readonly clock: Clock
  readonly problems: Problems
  /** The time between two comparisons with the server that are made by themselves; milliseconds. */
  readonly verifyEveryMs: number
  readonly verifyAfterMs: number
  random(): number
  /** The server does not take the token that is in use. */
  tokenTurnedDown(): void
  /** The server has taken another token, which may open other stores, too. */
  reauthorized(): void
}

/** Keeps one replica in step with one store: events and snapshots in, outbox out. */
export function createStoreSync(options: StoreSyncOptions): StoreSyncCore {
  const { store, port, clock, problems, random } = options
  const flushSoon = createAlarm(clock)
  const gaps = createGapWatch(clock, () => channel.rejoin(null))
  const pace = createResyncPace({ clock, random })
  let connection: ConnectionState = { kind: 'idle', error: null }
  let session: Session | undefined
  let closed = false

  const status = createStatusHolder({
    clock,
    lastStoreSeq: port.cursor(),
    incarnation: port.incarnation(),
    listenerFailed(cause) {
      problems.report(asDustError(cause, (detail, options) => listenerFailed(store, detail, options)))
    },
  })

  const intake = createIntake({
    store,
    port,
    unknownOp(name) {
      const op = shown(name)
      problems.reportOnce(`op ${op}`, () => unknownOp(store, op))
    },
  })

  const shortage = createShortage({
    clock,
    random,
    deviceId: options.deviceId,
    retry: () => guarded(tryAgain),
  })

  const pump = createOutboxPump({
    store,
    port,
    clock,
    random,
    answered: () => scheduleFlush(),
    accepted: (seq) => intake.expect(seq),
    resumed: () => scheduleFlush(),
  })

  const channel = createChannel({
    store,
    clock,
    random,
    request() {
      let request: FramePayload | undefined
      shortage.over()
      guarded(() => {
        request = intake.request()
      })
      return request
    },
    joined: (response) => guarded(() => joined(response)),
    data(message, payload, catchUp) {
      guarded(() => {
        // A long snapshot is no gap, although nothing can be applied before its end.
        if (message === 'snapshot_chunk') gaps.closed()
        if (!shortage.error) intake.receive(message, payload, catchUp)
      })
      // Also the message that did not fit, in part perhaps.
      if (shortage.error) guarded(() => shortage.skim(message, payload))
      scheduleFlush()
    },
    complete(through) {
      if (!shortage.error) guarded(() => completeCatchUp(through))
      // A copy that is to be replaced does not tell what the server has of our ops.
      if (shortage.error && !intake.rebuilding) guarded(startPump)
    },
    ended(end) {
      // What has arrived counts, also when the join that brought it is over.
      guarded(drain)
      flushSoon.clear()
      gaps.closed()
      pump.stop(end)
      requests.lost(new UnavailableError(`${store}: the connection was lost.`, { store }))
      verification.lost()
      progress.lost()
      barrier.lost()
    },
    changed: () => refresh(),
    unknownEvent(event) {
      const name = shown(event)
      problems.reportOnce(`event ${name}`, () => unknownEvent(store, name))
    },
    unreadable(error) {
      guarded(() => {
        throw error
      })
    },
  })

  const unavailable = (): DustError | null => {
    if (closed) return new UnavailableError(`${store} is not synced any more.`, { store })
    if (channel.phase === 'live') return null
    return new UnavailableError(`${store} is not connected now.`, { store })
  }

  const requests = createRequests({
    store,
    clock,
    push: (event, payload, onReply) => void channel.push(event, payload, onReply),
    unavailable,
  })

  const reauthorization = createReauthorization({
    store,
    requests,
    granted(response) {
      const before = status.get().permissions
      const grants = parseGrants(response)
      status.update(grants)
      const { read, write } = grants.permissions
      // A new join sends what was held back, in its order.
      if (pump.hold || read !== before.read || write !== before.write) channel.rejoin(null)
      options.reauthorized()
    },
    refused: problems.report,
    tokenTurnedDown: options.tokenTurnedDown,
  })

  const barrier = createBarrier({
    store,
    port,
    clock,
    requests,
    random,
    live: () => unavailable() === null,
    cursor: () => intake.cursor,
    expect: (seq) => expectUpTo(seq),
  })

  const progress = createProgressReport({
    clock,
    cursor: () => intake.cursor,
    push: (event, payload) => void channel.push(event, payload, () => undefined),
  })

  const verification = createVerification({
    store,
    port,
    clock,
    requests,
    problems,
    everyMs: options.verifyEveryMs,
    firstAfterMs: options.verifyAfterMs,
    random,
    supported: () => status.get().extensions.includes('digest'),
    unavailable,
    guarded: (run) => guarded(run),
    drain: () => drain(),
    cursor: () => intake.cursor,
    expect: (seq) => expectUpTo(seq),
    resync: (reason) => resync({ reason, reset: false }),
  })

  const refresh = (): void => {
    const { phase } = channel
    // Neither is true for longer than a moment: whichever changes next tells.
    if (closed || (phase === 'down' && connection.kind === 'open')) return
    const obstacle = phase === 'live' ? pump.obstacle : null
    const error =
      connection.kind === 'open' ? (shortage.error ?? channel.error ?? obstacle) : connection.error
    reauthorization.refusedNow(phase === 'refused' ? channel.error : pump.hold)
    status.update({
      state: stateOf(connection, phase, shortage.error !== null),
      lastStoreSeq: intake.cursor,
      heldBy: heldBy(connection, phase === 'refused' ? channel.error : pump.hold),
      error: error && errorToData(error),
    })
  }

  /** What the replica or a payload of the server throws must not reach other stores. */
  const guarded = (run: () => void): void => {
    try {
      run()
    } catch (cause) {
      const error = asDustError(cause, (detail, options) => {
        return new StorageError('storage_failed', `${store}: the local replica failed: ${detail}`, options)
      })
      if (isNoRoom(error) && JOINED.has(channel.phase)) runShort(error)
      else {
        problems.report(error)
        channel.fault(error)
      }
    }
  }

  /** What the server sends has to wait for room; what was written here need not. */
  const runShort = (error: DustError): void => {
    if (!shortage.error) problems.report(error)
    shortage.note(error, intake.kept())
    gaps.closed()
    refresh()
  }

  /** Whether what is kept of the events fits shows at once; if it does, or there is none, the rest is fetched. */
  const tryAgain = (): void => {
    intake.applySome()
    pump.settle()
    channel.rejoin(shortage.error)
  }

  const scheduleFlush = (): void => {
    if (!flushSoon.active && !closed) flushSoon.set(0, () => guarded(flush))
  }

  const expectUpTo = (seq: number): void => {
    intake.expect(seq)
    scheduleFlush()
  }

  const drain = (): void => {
    if (!shortage.error) intake.drain()
    pump.settle()
  }

  const flush = (): void => {
    if (!shortage.error) intake.applySome()
    if (!shortage.error && intake.ready > 0) scheduleFlush()
    else {
      guarded(pump.settle)
      pump.pump()
      watchGap()
      settled()
    }
    refresh()
  }

  /** What has come is applied and what can be sent is under way. */
  const settled = (): void => {
    if (shortage.error) return
    if (channel.phase === 'live') {
      verification.live()
      progress.live()
    }
    barrier.check()
  }

  const watchGap = (): void => {
    if (channel.phase === 'live' && intake.gap && !shortage.error) gaps.open(intake.cursor)
    else gaps.closed()
  }

  const joined = (response: FramePayload): void => {
    const terms = parseTerms(response)
    status.update({ ...parseGrants(response), extensions: terms.extensions })
    const outcome = intake.joined(terms)
    if (outcome === 'continued' || !intake.rebuilding) return
    report(intake.rebuilding)
    const waitMs = pace.next()
    // A server that says so again and again is asked ever more rarely.
    if (outcome === 'ahead' || waitMs > 0) channel.joinAnew(rebuilt(store, intake.rebuilding), waitMs)
  }

  const report = (rebuild: Rebuild): void => problems.report(rebuilt(store, rebuild))

  const resync = (rebuild: Rebuild, waitMs = 0): void => {
    if (closed || intake.rebuilding) return
    report(rebuild)
    intake.rebuild(rebuild)
    channel.joinAnew(rebuilt(store, rebuild), waitMs)
  }

  const completeCatchUp = (through: number | null): void => {
    const rebuilt = intake.complete(through)
    pump.settle()
    if (rebuilt) status.update({ lastResync: { at: clock.now(), reason: rebuilt.reason } })
    // A server that has accepted an op and does not show it afterwards has lost it, and maybe more.
    if (port.outbox(0, FRONT).some(({ acked }) => acked)) {
      resync({ reason: 'the server has lost what it had accepted from here', reset: true }, pace.next())
      return
    }
    shortage.recovered()
    status.update({ caughtUpAt: clock.now(), incarnation: port.incarnation() })
    startPump()
  }

  const startPump = (): void => {
    const { permissions, extensions } = status.get()
    const lane = {
      push: channel.push,
      get buffered() {
        return session?.buffered ?? 0
      },
      probe: (allowMs: number) => session?.probe(allowMs),
      rejoin: (error: DustError | null) => channel.rejoin(error),
    }
    pump.start(lane, {
      write: permissions.write,
      batches: extensions.includes('batch'),
      inLog: shortage.hasSeen,
    })
    scheduleFlush()
  }

  return {
    outboxChanged() {
      if (!closed && channel.phase === 'live') {
        guarded(pump.pump)
        guarded(barrier.check)
      }
      refresh()
    },
    status: status.get,
    onStatus: status.subscribe,
    synced: barrier.synced,
    request: requests.request,
    verify: verification.verify,
    resync: (reason) => guarded(() => resync({ reason, reset: false })),
    opened(opened) {
      session = opened
      channel.up(opened)
    },
    lost(loss) {
      session = undefined
      channel.down(loss === 'blamed' ? 'crash' : 'lost')
    },
    connectionChanged(state) {
      connection = state
      refresh()
    },
    receive: channel.receive,
    busy: () => channel.phase === 'joining' || channel.phase === 'catching-up' || pump.busy,
    renewal() {
      if (channel.phase !== 'catching-up' && channel.phase !== 'live') return 'absent'
      return status.get().extensions.includes('reauth') ? 'reauth' : 'unable'
    },
    reauthorize: reauthorization.push,
    knock: channel.knock,
    close() {
      channel.close()
      status.update({ state: 'offline' })
      closed = true
      flushSoon.clear()
      gaps.closed()
      for (const part of [pump, barrier, verification, pace, shortage]) part.close()
    },
  }
}

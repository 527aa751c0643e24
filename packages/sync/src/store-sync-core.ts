import {
  DustError,
  errorToData,
  type Frame,
  type FramePayload,
  StorageError,
  UnavailableError,
} from '@dustlayer/protocol'
import type { SyncPort } from '@dustlayer/replica'
import { createBarrier } from './barrier.js'
import { createChannel } from './channel.js'
import { type Clock, createAlarm } from './clock.js'
import type { ConnectionState } from './connection-state.js'
import { createIntake, type Rebuild } from './intake.js'
import { parseGrants, parseTerms } from './join-reply.js'
import { createOutboxPump } from './outbox-pump.js'
import { asDustError, type Problems } from './problems.js'
import { createProgressReport } from './progress-report.js'
import { createReauthorization } from './reauthorization.js'
import { createRequests } from './requests.js'
import { createResyncPace } from './resync-pace.js'
import type { Session } from './session.js'
import { heldBy, stateOf } from './standing.js'
import { createStatusHolder } from './status.js'
import type { StoreSync } from './store-sync.js'
import { createVerification } from './verification.js'

/** How long an event may be missing before it is asked for. */
const GAP_MS = 1_000
/** Acknowledged ops without an echo stand at the front of the outbox: what is sent goes in order. */
const FRONT = 1_000

/** What the connection drives. */
export interface StoreSyncCore extends Omit<StoreSync, 'detach'> {
  /** Whether data is coming or going. */
  busy(): boolean
  /** How the store can be told of another token: over its topic, or not while it is joined; `absent`: it is not. */
  renewal(): 'reauth' | 'unable' | 'absent'
  /** Tells the server of another token over the store's topic. */
  reauthorize(token: string): void
  /** Asks again to be let in, if the server has refused that. */
  knock(): void
  opened(session: Session): void
  lost(loss: 'lost' | 'blamed'): void
  connectionChanged(state: ConnectionState): void
  receive(frame: Frame): void
  close(): void
}

export interface StoreSyncOptions {
  readonly store: string
  readonly port: SyncPort
  readonly clock: Clock
  readonly problems: Problems
  /** The time between two comparisons with the server that are made by themselves; milliseconds. */
  readonly verifyEveryMs: number
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
  const gapAlarm = createAlarm(clock)
  const pace = createResyncPace({ clock, random })
  let gapAt = -1
  let connection: ConnectionState = { kind: 'idle', error: null }
  let session: Session | undefined
  let closed = false

  const status = createStatusHolder({
    clock,
    lastStoreSeq: port.cursor(),
    incarnation: port.incarnation(),
    listenerFailed(cause) {
      problems.report(
        asDustError(cause, (detail, cause) => {
          return new DustError('listener_failed', `${store}: a status listener threw: ${detail}`, {}, cause)
        }),
      )
    },
  })

  const intake = createIntake({
    store,
    port,
    unknownOp(name) {
      const op = shown(name)
      problems.reportOnce(`op ${op}`, () => {
        const message = `${store}: the op "${op}" is of a newer version; its effect is not shown here.`
        return new DustError('unknown_op', message, { store })
      })
    },
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
      guarded(() => {
        request = intake.request()
      })
      return request
    },
    joined: (response) => guarded(() => joined(response)),
    data(message, payload, catchUp) {
      guarded(() => {
        // A long snapshot is no gap, although nothing can be applied before its end.
        if (message === 'snapshot_chunk') gapAlarm.clear()
        intake.receive(message, payload, catchUp)
        scheduleFlush()
      })
    },
    complete: (through) => guarded(() => completeCatchUp(through)),
    ended(end) {
      // What has arrived counts, also when the join that brought it is over.
      guarded(drain)
      flushSoon.clear()
      gapAlarm.clear()
      pump.stop(end)
      requests.lost(new UnavailableError(`${store}: the connection was lost.`, { store }))
      verification.lost()
      progress.lost()
      barrier.lost()
    },
    changed: () => refresh(),
    unknownEvent(event) {
      const name = shown(event)
      problems.reportOnce(`event ${name}`, () => {
        const message = `${store}: the server sent "${name}", which this version does not know.`
        return new DustError('unknown_event', message)
      })
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
    const error = connection.kind === 'open' ? (channel.error ?? obstacle) : connection.error
    reauthorization.refusedNow(phase === 'refused' ? channel.error : pump.hold)
    status.update({
      state: stateOf(connection, phase),
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
      problems.report(error)
      channel.fault(error)
    }
  }

  const scheduleFlush = (): void => {
    if (!flushSoon.active && !closed) flushSoon.set(0, () => guarded(flush))
  }

  const expectUpTo = (seq: number): void => {
    intake.expect(seq)
    scheduleFlush()
  }

  const drain = (): void => {
    intake.drain()
    pump.settle()
  }

  const flush = (): void => {
    intake.applySome()
    if (intake.ready > 0) scheduleFlush()
    else {
      pump.settle()
      pump.pump()
      watchGap()
      settled()
    }
    refresh()
  }

  /** What has come is applied and what can be sent is under way. */
  const settled = (): void => {
    if (channel.phase === 'live') {
      verification.live()
      progress.live()
    }
    barrier.check()
  }

  /** Catch-up fills gaps by itself; afterwards one that stays means that an event will not come. */
  const watchGap = (): void => {
    if (channel.phase !== 'live' || !intake.gap) {
      gapAlarm.clear()
      return
    }
    if (gapAlarm.active && gapAt === intake.cursor) return
    gapAt = intake.cursor
    gapAlarm.set(GAP_MS, () => channel.rejoin(null))
  }

  const joined = (response: FramePayload): void => {
    const terms = parseTerms(response)
    status.update({ ...parseGrants(response), extensions: terms.extensions })
    const outcome = intake.joined(terms)
    if (outcome === 'continued' || !intake.rebuilding) return
    report(intake.rebuilding)
    const waitMs = pace.next()
    // A server that says so again and again is asked ever more rarely.
    if (outcome === 'ahead' || waitMs > 0) channel.joinAnew(resyncError(intake.rebuilding), waitMs)
  }

  const resyncError = ({ reason }: Rebuild): DustError =>
    new DustError(
      'resync',
      `${store}: the local copy is built anew, because ${reason}. Pending writes stay.`,
      {
        store,
        reason,
      },
    )

  const report = (rebuild: Rebuild): void => problems.report(resyncError(rebuild))

  const resync = (rebuild: Rebuild, waitMs = 0): void => {
    if (closed || intake.rebuilding) return
    report(rebuild)
    intake.rebuild(rebuild)
    channel.joinAnew(resyncError(rebuild), waitMs)
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
    status.update({ caughtUpAt: clock.now(), incarnation: port.incarnation() })
    const { permissions, extensions } = status.get()
    const lane = {
      push: channel.push,
      get buffered() {
        return session?.buffered ?? 0
      },
      probe: (allowMs: number) => session?.probe(allowMs),
      rejoin: (error: DustError | null) => channel.rejoin(error),
    }
    pump.start(lane, { write: permissions.write, batches: extensions.includes('batch') })
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
      for (const part of [flushSoon, gapAlarm]) part.clear()
      for (const part of [pump, barrier, verification, pace]) part.close()
    },
  }
}

/** Names of a server can have any length, and some are remembered. */
function shown(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name
}

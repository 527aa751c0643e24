import {
  DustError,
  decodeStoreEvent,
  errorToData,
  type Frame,
  FrameError,
  type FramePayload,
  StorageError,
  type StoreEventPayload,
} from '@dustlayer/protocol'
import type { SyncPort } from '@dustlayer/replica'
import { createChannel } from './channel.js'
import { type Clock, createAlarm } from './clock.js'
import type { ConnectionState } from './connection-state.js'
import { createInbox, type InboxEvent } from './inbox.js'
import { parseGrants } from './join-reply.js'
import { createOutboxPump } from './outbox-pump.js'
import { asDustError, type Problems } from './problems.js'
import type { Session } from './session.js'
import { decodeSnapshot } from './snapshot.js'
import { createStatusHolder, type SyncState, type SyncStatus } from './status.js'
import { isUnknownOp, withoutEffect } from './unknown-op.js'

/** At most so many events go into one transaction of the replica. */
const BATCH = 1_000
/** How long an event may be missing before it is asked for. */
const GAP_MS = 1_000

/** The sync of one store, as its owner sees it. */
export interface StoreSync {
  /** There is something new in the outbox. */
  outboxChanged(): void
  status(): SyncStatus
  /** Calls the listener after each change of the status. The result stops that. */
  onStatus(listener: (status: SyncStatus) => void): () => void
  /** Ends the sync of this store. The replica stays as it is. */
  detach(): void
}

/** What the connection drives. */
export interface StoreSyncCore extends Omit<StoreSync, 'detach'> {
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
  random(): number
}

/** Keeps one replica in step with one store: events and snapshots in, outbox out. */
export function createStoreSync({ store, port, clock, problems, random }: StoreSyncOptions): StoreSyncCore {
  const inbox = createInbox()
  const flushSoon = createAlarm(clock)
  const gapAlarm = createAlarm(clock)
  let gapAt = -1
  let connection: ConnectionState = { kind: 'idle', error: null }
  let closed = false

  const status = createStatusHolder({
    clock,
    lastStoreSeq: port.cursor(),
    listenerFailed(cause) {
      problems.report(
        asDustError(cause, (detail, options) => {
          return new DustError('listener_failed', `${store}: a status listener threw: ${detail}`, {}, options)
        }),
      )
    },
  })

  const pump = createOutboxPump({
    store,
    port,
    clock,
    answered: () => scheduleFlush(),
    accepted: (seq) => inbox.expect(seq),
    resumed: () => scheduleFlush(),
  })

  const channel = createChannel({
    store,
    clock,
    random,
    cursor() {
      let cursor: number | undefined
      guarded(() => {
        cursor = port.cursor()
        inbox.reset(cursor)
      })
      return cursor
    },
    joined: (response) => status.update(parseGrants(response)),
    event: (payload, catchUp) => guarded(() => receiveEvent(payload, catchUp)),
    snapshot: (payload) => guarded(() => receiveSnapshot(payload)),
    complete: (through) => guarded(() => completeCatchUp(through)),
    ended(end) {
      // What has arrived counts, also when the join that brought it is over.
      guarded(drain)
      flushSoon.clear()
      gapAlarm.clear()
      pump.stop(end)
    },
    changed: () => refresh(),
    unknownEvent(event) {
      problems.reportOnce(`event ${event}`, () => {
        return new DustError(
          'unknown_event',
          `${store}: the server sent "${event}", which this version does not know.`,
        )
      })
    },
  })

  const refresh = (): void => {
    if (closed) return
    const obstacle = channel.phase === 'live' ? pump.obstacle : null
    const error = connection.kind === 'open' ? (channel.error ?? obstacle) : connection.error
    status.update({
      state: stateOf(connection, channel.phase),
      lastStoreSeq: inbox.cursor || status.get().lastStoreSeq,
      writesHeld: pump.held,
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

  const applyBatch = (): void => {
    for (const run of runsOf(inbox.take(BATCH))) {
      const last = run.at(-1)
      if (!last) continue
      const events = run.map(({ event }) => event)
      try {
        port.applyEvents(events, { catchUp: last.catchUp })
      } catch (error) {
        // They come again with the next join; kept, they would fail once more at its beginning.
        inbox.reset(inbox.cursor)
        throw error
      }
      inbox.advance(last.event.store_seq)
    }
  }

  const drain = (): void => {
    while (inbox.ready > 0) applyBatch()
    pump.settle()
  }

  const flush = (): void => {
    applyBatch()
    if (inbox.ready > 0) scheduleFlush()
    else {
      pump.settle()
      pump.pump()
      watchGap()
    }
    refresh()
  }

  /** Catch-up fills gaps by itself; afterwards one that stays means that an event will not come. */
  const watchGap = (): void => {
    if (channel.phase !== 'live' || !inbox.gap) {
      gapAlarm.clear()
      return
    }
    if (gapAlarm.active && gapAt === inbox.cursor) return
    gapAt = inbox.cursor
    gapAlarm.set(GAP_MS, () => channel.rejoin(null))
  }

  const receiveEvent = (payload: FramePayload, catchUp: boolean): void => {
    inbox.add({ event: decodeEvent(payload), catchUp })
    // Messages arrive faster than they are applied: without this, all of a long catch-up would pile up.
    if (inbox.ready >= BATCH) applyBatch()
    scheduleFlush()
  }

  const decodeEvent = (payload: FramePayload): StoreEventPayload => {
    if (!isUnknownOp(payload)) return decodeStoreEvent(payload)
    problems.reportOnce(`op ${String(payload.op)}`, () => {
      const message = `${store}: the op "${String(payload.op)}" is of a newer version; its effect is not shown here.`
      return new DustError('unknown_op', message, { store })
    })
    return decodeStoreEvent(withoutEffect(payload))
  }

  const receiveSnapshot = (payload: FramePayload): void => {
    const { seq, entries } = decodeSnapshot(payload)
    // Own ops are recognised in events, not in a snapshot: those that came before it count first.
    drain()
    if (seq <= inbox.cursor) return
    port.applySnapshot(seq, entries)
    inbox.advance(seq)
    scheduleFlush()
  }

  const completeCatchUp = (through: number | null): void => {
    drain()
    if (through !== null && inbox.cursor < through) {
      throw new FrameError(
        `${store}: catch-up ended at ${through}, but the events after ${inbox.cursor} did not come.`,
      )
    }
    status.update({ caughtUpAt: clock.now() })
    const { write } = status.get().permissions
    const lane = {
      push: (op: FramePayload, onReply: Parameters<typeof channel.push>[2]) =>
        channel.push('write', op, onReply),
      get buffered() {
        return session?.buffered ?? 0
      },
      probe: () => session?.probe(),
      rejoin: (error: DustError | null) => channel.rejoin(error),
    }
    pump.start(lane, { write })
    scheduleFlush()
  }

  let session: Session | undefined
  return {
    outboxChanged() {
      if (!closed && channel.phase === 'live') guarded(pump.pump)
      refresh()
    },
    status: status.get,
    onStatus: status.subscribe,
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
    close() {
      channel.close()
      status.update({ state: 'offline' })
      closed = true
      flushSoon.clear()
      gapAlarm.clear()
      pump.close()
    },
  }
}

function stateOf({ kind }: ConnectionState, phase: string): SyncState {
  if (kind === 'open') return phase === 'live' || phase === 'refused' ? phase : 'catching-up'
  if (kind === 'offline' || kind === 'refused') return kind
  return kind === 'closed' ? 'offline' : 'connecting'
}

/** Neighbours of the same origin. */
function runsOf(items: readonly InboxEvent[]): InboxEvent[][] {
  const runs: InboxEvent[][] = []
  for (const item of items) {
    const run = runs.at(-1)
    if (run && run[0]?.catchUp === item.catchUp) run.push(item)
    else runs.push([item])
  }
  return runs
}

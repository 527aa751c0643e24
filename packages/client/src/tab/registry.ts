import type { Call, CallResult, LiveQuery, StatusWatch, Subscription } from './calls.js'
import { createForetold } from './foretold.js'
import type { CameTrue, Foretelling, Position, RoutedEvent, SettledWrite } from './news.js'
import type { AwaitedWrite, Hello } from './tab-protocol.js'

/** What a tab has registered and what it waits for: all that the next leader, or the next worker, must be told. */
export interface Registry {
  /** Calls were answered: what they registered stands, where they succeeded. A watch of a store's status always does. */
  answered(calls: readonly Call[], results: readonly CallResult[]): void
  /** A leader has told whose copy it is that the tab shows. */
  belongs(device: string | null): void
  settled(writes: readonly SettledWrite[]): void
  /** Subscriptions that the leader has ended. */
  dropped(ids: readonly number[]): void
  foretold(foretelling: Foretelling): void
  /** What a flush tells, with what was foretold in its place. */
  reveal(events: readonly (RoutedEvent | CameTrue)[]): readonly RoutedEvent[]
  /** Where stores stand that the tab has heard of. What came with it has been revealed. */
  seen(positions: readonly Position[]): void
  readonly device: string | null
  readonly all: Hello
}

export const NOTHING_REGISTERED: Hello = {
  device: null,
  subscriptions: [],
  liveQueries: [],
  seen: [],
  foretold: [],
  statusWatches: [],
  awaited: [],
}

export function createRegistry(start: Hello = NOTHING_REGISTERED): Registry {
  let { device } = start
  const subscriptions = new Map<number, Subscription>(start.subscriptions.map((one) => [one.id, one]))
  const liveQueries = new Map<number, LiveQuery>(start.liveQueries.map((one) => [one.id, one]))
  const statusWatches = new Map<number, StatusWatch>(start.statusWatches.map((one) => [one.id, one]))
  const awaited = new Map<string, AwaitedWrite>(start.awaited.map((one) => [one.opId, one]))
  const foretold = createForetold()
  const positions = new Map<string, string>(start.seen.map(({ store, at }) => [store, at]))

  const remember = (call: Call): void => {
    switch (call.kind) {
      case 'write':
        awaited.set(call.op.opId, { store: call.store, opId: call.op.opId })
        break
      case 'batch':
        for (const { opId } of call.batch.ops) awaited.set(opId, { store: call.store, opId })
        break
      case 'retryRejection':
        awaited.set(call.newOpId, { store: call.store, opId: call.newOpId })
        break
      case 'subscribe':
        subscriptions.set(call.subscription.id, call.subscription)
        break
      case 'unsubscribe':
        subscriptions.delete(call.id)
        break
      case 'live':
        liveQueries.set(call.query.id, call.query)
        break
      case 'unlive':
        liveQueries.delete(call.id)
        break
      case 'watchStatus':
        statusWatches.set(call.watch.id, call.watch)
        break
      case 'unwatchStatus':
        statusWatches.delete(call.id)
        break
      default:
    }
  }

  return {
    answered(calls, results) {
      calls.forEach((call, i) => {
        // Who wants to know how a store is wants it also, and most of all, when the store cannot be opened.
        if (results[i]?.ok || call.kind === 'watchStatus') remember(call)
      })
    },
    belongs(to) {
      device = to
    },
    settled(writes) {
      for (const { opId } of writes) awaited.delete(opId)
    },
    dropped(ids) {
      for (const id of ids) subscriptions.delete(id)
    },
    foretold: foretold.note,
    reveal: foretold.reveal,
    seen(stand) {
      foretold.settle(stand)
      for (const { store, at } of stand) positions.set(store, at)
    },
    get device() {
      return device
    },
    get all() {
      return {
        device,
        subscriptions: [...subscriptions.values()],
        liveQueries: [...liveQueries.values()],
        seen: Array.from(positions, ([store, at]) => ({ store, at })),
        foretold: foretold.open,
        statusWatches: [...statusWatches.values()],
        awaited: [...awaited.values()],
      }
    },
  }
}

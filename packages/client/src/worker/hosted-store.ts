import { AuthorizationError, parsePattern } from '@dustlayer/protocol'
import type { EntryData, LocalOp, Replica } from '@dustlayer/replica'
import type { StoreSync } from '@dustlayer/sync'
import type {
  AwaitedWrite,
  StatusWatch,
  StorageInfo,
  StoreReport,
  Subscription,
} from '../tab/tab-protocol.js'
import type { Postbox } from './postbox.js'
import { createCallRunner, type DeskCall, type Job } from './run-calls.js'
import { createStatusWatches } from './status-watches.js'
import { createSubscriptions } from './subscriptions.js'

/** What a tab had registered with an earlier leader. */
export interface Registrations {
  readonly subscriptions: readonly Subscription[]
  readonly statusWatches: readonly StatusWatch[]
  readonly awaited: readonly AwaitedWrite[]
}

/** One open store in the leader: its replica, its sync, and who in which tab waits for what. */
export interface HostedStore {
  run(jobs: readonly Job[]): void
  adopt(tab: string, registrations: Registrations): void
  dropTab(tab: string): void
  close(): void
}

export interface HostedStoreOptions {
  readonly store: string
  readonly replica: Replica
  readonly sync: StoreSync
  readonly storage: StorageInfo
  readonly postbox: Postbox
  /** Runs a function in a later turn. */
  defer(run: () => void): void
}

export function createHostedStore({
  store,
  replica,
  sync,
  storage,
  postbox,
  defer,
}: HostedStoreOptions): HostedStore {
  const subscriptions = createSubscriptions()
  const statusWatches = createStatusWatches()
  /** Which tab waits for an op's verdict. */
  const waiting = new Map<string, string>()

  const report = (): StoreReport => {
    const { state, since, lastStoreSeq, permissions, scopes, caughtUpAt, error } = sync.status()
    return {
      store,
      connection: state,
      since,
      lastStoreSeq,
      pending: replica.pending(),
      permissions,
      scopes,
      caughtUpAt,
      storage,
      error,
    }
  }

  const statusChanged = (): void => {
    if (statusWatches.empty) return
    const current = report()
    for (const [tab, ids] of statusWatches.all()) postbox.report(tab, current, ids)
  }

  /** Tells the tab at once when the op is settled already, else when it will be. */
  const awaitVerdict = (tab: string, opId: string): void => {
    const verdict = replica.verdict(opId)
    if (verdict?.state === 'pending') waiting.set(opId, tab)
    else postbox.settled(tab, { opId, verdict })
  }

  const write = (tab: string, op: LocalOp, again: boolean): void => {
    const { permissions } = sync.status()
    // Who has joined may read; before the first join nothing is known, and the write waits for the server's word.
    if (permissions.read && !permissions.write) throw missingWriteScope(store, op.path)
    replica.write(op)
    if (again) awaitVerdict(tab, op.opId)
    else waiting.set(op.opId, tab)
  }

  /** Reading what is there and registering happen in one turn, so nothing is missed and nothing comes twice. */
  const subscribe = (tab: string, subscription: Subscription, present: boolean): readonly EntryData[] => {
    subscriptions.add(tab, subscription)
    // Without `select` a listing's items are entries.
    return present ? (replica.enum(parsePattern(subscription.pattern)).items as readonly EntryData[]) : []
  }

  const desk = (tab: string, call: DeskCall): unknown => {
    switch (call.kind) {
      case 'open':
        return null
      case 'subscribe':
        return subscribe(tab, call.subscription, call.present)
      case 'unsubscribe':
        return subscriptions.remove(tab, call.id)
      case 'watchStatus':
        statusWatches.add(tab, call.watch.id)
        return report()
      case 'unwatchStatus':
        return statusWatches.remove(tab, call.id)
      case 'status':
        return report()
    }
  }

  const stopEvents = replica.onEvents((events) => {
    for (const event of events) {
      for (const [tab, ids] of subscriptions.route(event)) postbox.event(tab, event, ids)
    }
    if (events.some(({ source }) => source === 'server')) statusChanged()
  })
  const stopVerdicts = replica.onVerdict((opId, verdict) => {
    const tab = waiting.get(opId)
    if (tab === undefined || verdict.state === 'pending') return
    waiting.delete(opId)
    postbox.settled(tab, { opId, verdict })
    statusChanged()
  })
  const stopStatus = sync.onStatus(statusChanged)

  return {
    run: createCallRunner({
      store,
      replica,
      write,
      desk,
      onWritten() {
        // The page is told before the server: encoding and sending would only delay the answer.
        defer(sync.outboxChanged)
        statusChanged()
      },
    }),
    adopt(tab, registrations) {
      for (const subscription of registrations.subscriptions) subscriptions.add(tab, subscription)
      for (const { id } of registrations.statusWatches) statusWatches.add(tab, id)
      for (const { opId } of registrations.awaited) awaitVerdict(tab, opId)
      statusChanged()
    },
    dropTab(tab) {
      subscriptions.dropTab(tab)
      statusWatches.dropTab(tab)
      for (const [opId, waiter] of waiting) if (waiter === tab) waiting.delete(opId)
    },
    close() {
      stopEvents()
      stopVerdicts()
      stopStatus()
      sync.detach()
      replica.close()
    },
  }
}

/** The server would refuse it anyway: say so at the call, before anything shows (spec/conformance.md I19). */
function missingWriteScope(store: string, path: string): AuthorizationError {
  return new AuthorizationError(
    'missing_scope',
    `The token lacks the scope entries:write for ${store}, so ${path} was not written. Use a token that may write.`,
    'entries:write',
    { store, path },
  )
}

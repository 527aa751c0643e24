import type { Replica } from '@dustlayer/replica'
import type { Clock, StoreSync } from '@dustlayer/sync'
import type { StoreDatabase } from '../storage/storage.js'
import type { AwaitedWrite, StatusWatch } from '../tab/tab-protocol.js'
import { createChangeDesk, type Listening } from './change-desk.js'
import { examine } from './doctor.js'
import { createLeaseDesk } from './lease-desk.js'
import { createLongCalls, type LongJob } from './long-calls.js'
import type { Postbox } from './postbox.js'
import { createCallRunner, type DeskCall, type Job } from './run-calls.js'
import { createStatusWatches } from './status-watches.js'
import { createStoreReporter } from './store-report.js'
import type { Subscriptions } from './subscriptions.js'
import { createWriteDesk } from './write-desk.js'

/** What a tab had registered with an earlier leader. */
export interface Registrations extends Listening {
  readonly statusWatches: readonly StatusWatch[]
  readonly awaited: readonly AwaitedWrite[]
}

/** One open store in the leader: its replica, its sync, and who in which tab waits for what. */
export interface HostedStore {
  run(jobs: readonly Job[]): void
  adopt(tab: string, registrations: Registrations): void
  dropTab(tab: string): void
  /** The tab has taken something in: what was kept back for it may go. */
  goOn(tab: string): void
  /** Something has changed that the status tells of. */
  statusChanged(): void
  close(): void
}

export interface HostedStoreOptions {
  readonly store: string
  readonly replica: Replica
  readonly sync: StoreSync
  readonly database: StoreDatabase
  readonly deviceId: string
  readonly clock: Clock
  readonly postbox: Postbox
  /** What the replica's `interest` was made of. */
  readonly subscriptions: Subscriptions
  /** Runs a function in a later turn. */
  defer(run: () => void): void
}

export function createHostedStore({
  store,
  replica,
  sync,
  database,
  deviceId,
  clock,
  postbox,
  subscriptions,
  defer,
}: HostedStoreOptions): HostedStore {
  const changes = createChangeDesk({ store, replica, subscriptions, postbox })
  const statusWatches = createStatusWatches()
  const reporter = createStoreReporter({ store, replica, sync, database })
  const longCalls = createLongCalls(store)
  const leases = createLeaseDesk({ store, sync, clock, deviceId })

  const statusChanged = (): void => {
    if (statusWatches.empty) return
    const current = reporter.report()
    for (const [tab, ids] of statusWatches.all()) postbox.report(tab, current, ids)
  }

  const writes = createWriteDesk({ store, replica, sync, postbox, onSettled: statusChanged })

  const desk = (tab: string, call: DeskCall): unknown => {
    switch (call.kind) {
      case 'open':
        return null
      case 'subscribe':
        return changes.subscribe(tab, call.subscription)
      case 'unsubscribe':
        return changes.unsubscribe(tab, call.id)
      case 'live':
        return changes.live(tab, call.query)
      case 'unlive':
        return changes.unlive(tab, call.id)
      case 'watchStatus':
        statusWatches.add(tab, call.watch.id)
        return reporter.report()
      case 'unwatchStatus':
        return statusWatches.remove(tab, call.id)
      case 'status':
        return reporter.report()
      case 'rejections':
        return replica.rejections()
      case 'dropRejection':
        return replica.dropRejection(call.opId)
      case 'export':
        return replica.export()
      case 'cancel':
        longCalls.cancel(tab, call.id)
        return null
    }
  }

  const long = (job: LongJob): void => {
    const { call, again } = job
    longCalls.start(job, async (signal) => {
      switch (call.kind) {
        case 'synced':
          return sync.synced({ signal })
        case 'doctor':
          return examine(replica, sync)
        default:
          return leases(call, again, signal)
      }
    })
  }

  const stopEvents = replica.onEvents((events) => {
    if (events.some(({ source }) => source === 'server')) statusChanged()
  })
  const stopRejections = replica.onRejections(() => {
    reporter.rejectionsChanged()
    statusChanged()
  })
  const stopStatus = sync.onStatus(() => {
    if (sync.status().state === 'live') database.complete()
    statusChanged()
  })

  return {
    run: createCallRunner({
      store,
      replica,
      database,
      write: writes.write,
      desk,
      long,
      onWritten() {
        // The page is told before the server: encoding and sending would only delay the answer.
        defer(sync.outboxChanged)
        statusChanged()
      },
    }),
    adopt(tab, registrations) {
      changes.adopt(tab, registrations)
      for (const { id } of registrations.statusWatches) statusWatches.add(tab, id)
      for (const { opId } of registrations.awaited) writes.awaitVerdict(tab, opId)
      statusChanged()
    },
    dropTab(tab) {
      changes.dropTab(tab)
      statusWatches.dropTab(tab)
      writes.dropTab(tab)
      longCalls.dropTab(tab)
    },
    goOn: changes.goOn,
    statusChanged,
    close() {
      stopEvents()
      changes.close()
      stopRejections()
      writes.close()
      longCalls.close()
      stopStatus()
      sync.detach()
      replica.close()
    },
  }
}

import type { Replica, SqliteDriver } from '@dustlayer/replica'
import type { Clock, StoreSync } from '@dustlayer/sync'
import type { StoreDatabase } from '../storage/storage.js'
import type { StatusWatch } from '../tab/calls.js'
import type { AwaitedWrite } from '../tab/tab-protocol.js'
import type { Busy } from './busy.js'
import { createChangeDesk, type Listening } from './change-desk.js'
import { examine } from './doctor.js'
import { createLeaseDesk } from './lease-desk.js'
import { createLongCalls, type LongJob } from './long-calls.js'
import type { Postbox } from './postbox.js'
import { type CallRunner, createCallRunner, type DeskCall } from './run-calls.js'
import { createSlices } from './slices.js'
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
  readonly run: CallRunner
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
  readonly busy: Busy
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
  busy,
}: HostedStoreOptions): HostedStore {
  const changes = createChangeDesk({ store, replica, subscriptions, postbox })
  const statusWatches = createStatusWatches()
  const reporter = createStoreReporter({ store, replica, sync, database })
  const longCalls = createLongCalls(store)
  const inSlices = createSlices({ clock, defer, busy })
  const leases = createLeaseDesk({ store, sync, clock, deviceId })

  const statusChanged = (): void => {
    if (statusWatches.empty) return
    const current = reporter.report()
    for (const [tab, ids] of statusWatches.all()) postbox.report(tab, current, ids)
  }

  const writes = createWriteDesk({ store, replica, sync, postbox, onSettled: statusChanged })

  /** The rest is over before anybody wonders. */
  const atLength = <T>(work: () => T): T => (isLarge(database.driver) ? busy.during(work) : work())

  const desk = (tab: string, call: DeskCall): unknown => {
    switch (call.kind) {
      case 'open':
        return null
      case 'subscribe':
        return call.subscription.watch
          ? atLength(() => changes.subscribe(tab, call.subscription))
          : changes.subscribe(tab, call.subscription)
      case 'unsubscribe':
        return changes.unsubscribe(tab, call.id)
      case 'live':
        return atLength(() => changes.live(tab, call.query))
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
          return examine(replica, sync, (steps) => inSlices(steps, signal))
        case 'export':
          return inSlices(replica.exportSteps(), signal)
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
  const stopMirroring = replica.onPrecious(database.preciousChanged)
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
      atLength,
      onWritten() {
        // The page is told before the server: encoding and sending would only delay the answer.
        defer(sync.outboxChanged)
        statusChanged()
      },
    }),
    adopt(tab, registrations) {
      atLength(() => changes.adopt(tab, registrations))
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
      stopMirroring()
      writes.close()
      longCalls.close()
      stopStatus()
      sync.detach()
      replica.close()
    },
  }
}

/** Reading all of it may take longer than a leader may be silent, on a slow device. */
function isLarge(driver: SqliteDriver): boolean {
  try {
    const pages = driver.all('pragma page_count')[0]?.[0]
    return typeof pages !== 'number' || pages > LARGE_PAGES
  } catch {
    // What is wrong with the database is told by what is about to read it.
    return false
  }
}

/** Of 4 KiB: about ten thousand entries, which a fast device reads in a tenth of a second. */
const LARGE_PAGES = 512

import type { Replica } from '@dustlayer/replica'
import type { StoreSync } from '@dustlayer/sync'
import type { StoreDatabase } from '../storage/storage.js'
import type { StoreReport } from '../tab/status-report.js'

export interface StoreReporterOptions {
  readonly store: string
  readonly replica: Replica
  readonly sync: StoreSync
  readonly database: Pick<StoreDatabase, 'info'>
}

/** Says how a store stands, as often as it is asked. */
export interface StoreReporter {
  report(): StoreReport
  /** The list of refused writes is another one. */
  rejectionsChanged(): void
}

export function createStoreReporter({ store, replica, sync, database }: StoreReporterOptions): StoreReporter {
  let inbox = inboxMark(replica)
  return {
    report() {
      const status = sync.status()
      return {
        store,
        connection: status.state,
        since: status.since,
        lastStoreSeq: status.lastStoreSeq,
        pending: { ...replica.pending(), heldBy: status.heldBy },
        ...inbox,
        permissions: status.permissions,
        scopes: status.scopes,
        caughtUpAt: status.caughtUpAt,
        lastResync: status.lastResync,
        storage: database.info(),
        error: status.error,
      }
    },
    rejectionsChanged() {
      inbox = inboxMark(replica)
    },
  }
}

/** Whatever is added is the newest, and whatever goes makes them fewer: together that tells two states apart. */
function inboxMark(replica: Replica): Pick<StoreReport, 'rejected' | 'rejectedMark'> {
  const list = replica.rejections()
  return { rejected: list.length, rejectedMark: `${list.length} ${list.at(-1)?.opId ?? ''}` }
}

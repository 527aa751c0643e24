import { errorToData } from '@dustlayer/protocol'
import { openReplica } from '@dustlayer/replica'
import type { Clock, SyncClient } from '@dustlayer/sync'
import type { Storage } from '../storage/storage.js'
import { toStorageError } from '../storage/storage-error.js'
import type { Call, CallResult, Hello } from '../tab/tab-protocol.js'
import { attachDurably } from './attach-durably.js'
import { byStore } from './by-store.js'
import { createHostedStore, type HostedStore, type Registrations } from './hosted-store.js'
import { createPostbox, type Parcel } from './postbox.js'
import { isWriteCall, type Job } from './run-calls.js'
import { createSubscriptions } from './subscriptions.js'

/** The leader's side of all calls: stores open on first use, and what arrives together runs together. */
export interface Host {
  /** Runs a batch; its answers come with a parcel for the tab. */
  submit(tab: string, batch: number, calls: readonly Call[], again: boolean): void
  adopt(tab: string, hello: Hello): void
  /** The tab tells what it has taken in of what was delivered to it. */
  received(tab: string, receipt: { readonly confirmed: number; readonly received: number }): void
  dropTab(tab: string): void
  /** What the storage tells of itself may have changed. */
  storageChanged(): void
  /** From now on nothing is answered: what is open cannot be relied on, and calls are sent again to the next host. */
  fallSilent(): void
  close(): Promise<void>
}

export interface HostOptions {
  readonly storage: Storage
  readonly sync: SyncClient
  readonly deviceId: string
  readonly clock: Clock
  /** As in the replica. */
  readonly maxPending?: number | undefined
  /** Runs a function after the messages that are waiting now have been handled, so that they join its work. */
  defer(run: () => void): void
  deliver(tab: string, parcel: Parcel): void
  /** Aborts when this leader must not run anything any more. */
  readonly until: AbortSignal
  /** Undefined while this leader is sure that it leads; else calls run when the promise has resolved. */
  doubt(): Promise<void> | undefined
}

interface Slot {
  /** Undefined while opening. */
  hosted: HostedStore | undefined
  readonly opening: Promise<HostedStore>
  /** Calls that have not run yet. */
  queue: Job[]
  /** A tab has asked for it. */
  wanted: boolean
}

/** How long the tabs' own first calls have the storage to themselves. */
const UNSENT_AFTER_MS = 1_000

export function createHost(options: HostOptions): Host {
  const { storage, sync, deviceId, clock, maxPending, defer, deliver, doubt, until } = options
  const postbox = createPostbox(deliver)
  const slots = new Map<string, Slot>()
  /** Differs for a tab that has been away. */
  const visits = new Map<string, symbol>()
  let runPlanned = false
  let closed = false
  let silent = false

  const open = async (store: string, slot: Pick<Slot, 'wanted'>): Promise<HostedStore> => {
    const database = await storage.open(store)
    const { driver } = database
    try {
      const subscriptions = createSubscriptions()
      const { interest } = subscriptions
      const limits = maxPending === undefined ? {} : { maxPending }
      const replica = openReplica({ driver, store, deviceId, now: clock.now, interest, ...limits })
      if (!slot.wanted && replica.pending().count === 0) throw new Error('There is nothing to send.')
      return createHostedStore({
        store,
        replica,
        sync: attachDurably(sync, store, replica.sync, database.durable),
        database,
        deviceId,
        clock,
        postbox,
        subscriptions,
        defer,
      })
    } catch (error) {
      driver.close()
      throw error
    }
  }

  /** What tabs had registered with stores that could not be opened; for when one can. */
  const unadopted = new Map<string, Map<string, Registrations>>()

  const slotFor = (store: string, wanted = true): Slot => {
    const existing = slots.get(store)
    if (existing) {
      existing.wanted ||= wanted
      return existing
    }
    const beginning = { wanted }
    const opening = open(store, beginning)
    const slot: Slot = Object.assign(beginning, { hosted: undefined, opening, queue: [] })
    slots.set(store, slot)
    opening.then(
      (hosted) => {
        slot.hosted = hosted
        for (const [tab, own] of unadopted.get(store) ?? []) hosted.adopt(tab, own)
        unadopted.delete(store)
        planRun()
      },
      (error: unknown) => {
        // The next call tries again.
        slots.delete(store)
        const failed: CallResult = { ok: false, error: errorToData(toStorageError(error, store)) }
        for (const job of slot.queue) job.settle(failed)
      },
    )
    return slot
  }

  const planRun = (): void => {
    if (runPlanned) return
    runPlanned = true
    defer(run)
  }

  const run = (): void => {
    runPlanned = false
    // What has not run is sent again to the next leader.
    if (closed || until.aborted) return
    const doubting = doubt()
    if (doubting) {
      void doubting.then(planRun)
      return
    }
    for (const { hosted, queue } of takeQueues()) hosted.run(queue)
  }

  const takeQueues = (): { hosted: HostedStore; queue: Job[] }[] =>
    [...slots.values()].flatMap((slot) => {
      const { hosted, queue } = slot
      if (!hosted || queue.length === 0) return []
      slot.queue = []
      return [{ hosted, queue }]
    })

  /** Writes of an earlier life go out although no tab has opened their store yet; one database after the other. */
  const sendUnsent = async (): Promise<void> => {
    for (const store of storage.stores()) {
      if (closed) return
      await slotFor(store, false).opening.catch(() => undefined)
    }
  }
  const cancelUnsent = clock.setTimer(UNSENT_AFTER_MS, () => void sendUnsent())

  const storesHere = (): string[] => [...new Set([...storage.stores(), ...slots.keys()])]

  const visit = (tab: string): symbol => {
    const present = visits.get(tab) ?? Symbol(tab)
    visits.set(tab, present)
    return present
  }

  return {
    submit(tab, batch, calls, again) {
      if (closed) return
      visit(tab)
      const results: CallResult[] = []
      let open = calls.length
      calls.forEach((call, i) => {
        const settle = (result: CallResult): void => {
          if (silent) return
          results[i] = result
          open -= 1
          if (open === 0) postbox.answer(tab, batch, results)
        }
        if (call.kind === 'stores') settle({ ok: true, value: storesHere() })
        else slotFor(call.store).queue.push({ tab, call, again, settle })
      })
      planRun()
    },
    adopt(tab, hello) {
      const present = visit(tab)
      const stays = (): boolean => visits.get(tab) === present
      for (const [store, own] of byStore(hello)) {
        slotFor(store).opening.then(
          (hosted) => stays() && hosted.adopt(tab, own),
          // The tab's next call to the store opens it again and is told the reason.
          () => stays() && unadopted.set(store, (unadopted.get(store) ?? new Map()).set(tab, own)),
        )
      }
    },
    received(tab, receipt) {
      postbox.received(tab, receipt)
      for (const { hosted } of slots.values()) hosted?.goOn(tab)
    },
    dropTab(tab) {
      visits.delete(tab)
      postbox.dropTab(tab)
      for (const waiting of unadopted.values()) waiting.delete(tab)
      for (const slot of slots.values()) {
        slot.hosted?.dropTab(tab)
        // Its writes are still wanted; there is nobody to read or to register for.
        slot.queue = slot.queue.filter((job) => job.tab !== tab || isWriteCall(job.call))
      }
    },
    storageChanged() {
      void storage.refresh().then(() => {
        for (const { hosted } of slots.values()) hosted?.statusChanged()
      })
    },
    fallSilent() {
      silent = true
    },
    async close() {
      closed = true
      cancelUnsent()
      const open = await Promise.allSettled([...slots.values()].map(({ opening }) => opening))
      for (const result of open) if (result.status === 'fulfilled') result.value.close()
      if (!silent) postbox.flush()
      slots.clear()
      sync.close()
      await storage.close()
    },
  }
}

import { type ErrorData, errorToData } from '@dustlayer/protocol'
import type { Clock, SyncClient } from '@dustlayer/sync'
import { openReplicaOn } from '../storage/open-replica-on.js'
import type { Storage, StoreDatabase } from '../storage/storage.js'
import { ledFromMemory, toStorageError } from '../storage/storage-error.js'
import type { Call, CallResult } from '../tab/calls.js'
import type { Hello } from '../tab/tab-protocol.js'
import { announcedPort } from './announced-port.js'
import { attachDurably } from './attach-durably.js'
import type { Busy } from './busy.js'
import { byStore } from './by-store.js'
import { explainedPort } from './explained-port.js'
import { createHostedStore, type HostedStore, type Registrations } from './hosted-store.js'
import { createJobQueue, type JobQueue } from './job-queue.js'
import type { Postbox } from './postbox.js'
import { createSubscriptions } from './subscriptions.js'
import { timeBox } from './time-box.js'

/** The leader's side of all calls: stores open on first use, and what arrives together runs together. */
export interface Host {
  /** Runs a batch; its answers come with a parcel for the tab. */
  submit(tab: string, batch: number, calls: readonly Call[], again: boolean): void
  /** Takes over what the tab has registered. @returns why this host does not serve it. */
  adopt(tab: string, hello: Hello & { readonly persistent: boolean }): ErrorData | undefined
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
  readonly postbox: Postbox
  /** Aborts when this leader must not run anything any more. */
  readonly until: AbortSignal
  /** Undefined while this leader is sure that it leads; else calls run when the promise has resolved. */
  doubt(): Promise<void> | undefined
  readonly busy: Busy
}

interface Slot {
  /** Undefined while opening. */
  hosted: HostedStore | undefined
  readonly opening: Promise<HostedStore>
  /** Calls that have not run yet. */
  readonly queue: JobQueue
  /** A tab has asked for it. */
  wanted: boolean
}

/**
 * How long calls run without a turn of the event loop. Short against the time after which a silent leader is deposed,
 * also on a device that is many times slower; long against what a transaction costs by itself.
 */
const SLICE_MS = 100

/** How long the tabs' own first calls have the storage to themselves. */
const UNSENT_AFTER_MS = 1_000

export function createHost(options: HostOptions): Host {
  const { storage, sync, deviceId, clock, maxPending, defer, postbox, doubt, until, busy } = options
  const slots = new Map<string, Slot>()
  /** Differs for a tab that has been away. */
  const visits = new Map<string, symbol>()
  const turnedAway = new Map<string, ErrorData>()
  let runPlanned = false
  /** How often a store has had its turn. */
  let turn = 0
  let closed = false
  let silent = false

  /** Why a store that no tab wants is closed again. */
  const nothingToSend = new Error('There is nothing to send.')

  const open = async (store: string, slot: Pick<Slot, 'wanted'>): Promise<HostedStore> => {
    const endBusy = busy.begin()
    try {
      const database = await storage.open(store)
      try {
        return openOn(database, store, slot)
      } catch (error) {
        throw error === nothingToSend ? error : await database.explain(error)
      }
    } finally {
      endBusy()
    }
  }

  const openOn = (database: StoreDatabase, store: string, slot: Pick<Slot, 'wanted'>): HostedStore => {
    const { driver } = database
    try {
      const subscriptions = createSubscriptions()
      const { interest } = subscriptions
      const limits = maxPending === undefined ? {} : { maxPending }
      const replica = openReplicaOn(database, { store, deviceId, now: clock.now, interest, ...limits })
      if (!slot.wanted && replica.pending().count === 0) throw nothingToSend
      return createHostedStore({
        store,
        replica,
        sync: attachDurably(
          sync,
          store,
          announcedPort(explainedPort(replica.sync, database), busy),
          database.durable,
        ),
        database,
        deviceId,
        clock,
        postbox,
        subscriptions,
        defer,
        busy,
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
    const slot: Slot = Object.assign(beginning, { hosted: undefined, opening, queue: createJobQueue() })
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
        // It may have failed because this leader may not write any more; the next one gets the calls.
        if (closed || until.aborted) return
        const waiting = slot.queue.takeAll()
        if (error === nothingToSend) {
          // A tab may have come to want it since, if only to listen.
          const wantedNow = slot.wanted ? slotFor(store) : undefined
          for (const job of waiting) wantedNow?.queue.push(job)
          return
        }
        const failed: CallResult = { ok: false, error: errorToData(toStorageError(error, store)) }
        for (const job of waiting) job.settle(failed)
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
    const isOver = timeBox(clock, SLICE_MS)
    for (const [hosted, queue] of waiting()) {
      turn += 1
      hosted.run(queue, isOver)
      if (isOver()) break
    }
    // In a turn of its own: signs of life, questions for them and other tabs' calls get through in between.
    if (waiting().length > 0) planRun()
  }

  /** The stores that have something to run, beginning with another one each time. */
  const waiting = (): [HostedStore, JobQueue][] => {
    const all = [...slots.values()].flatMap(({ hosted, queue }): [HostedStore, JobQueue][] =>
      hosted && !queue.empty ? [[hosted, queue]] : [],
    )
    const first = turn % Math.max(all.length, 1)
    return [...all.slice(first), ...all.slice(0, first)]
  }

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
      const error = turnedAway.get(tab)
      if (error) {
        postbox.answer(
          tab,
          batch,
          calls.map(() => ({ ok: false, error })),
        )
        return
      }
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
      if (hello.persistent && !storage.persistent) {
        const error = errorToData(ledFromMemory())
        turnedAway.set(tab, error)
        return error
      }
      const present = visit(tab)
      const stays = (): boolean => !closed && visits.get(tab) === present
      for (const [store, own] of byStore(hello)) {
        slotFor(store).opening.then(
          (hosted) => stays() && hosted.adopt(tab, own),
          // The tab's next call to the store opens it again and is told the reason.
          () => stays() && unadopted.set(store, (unadopted.get(store) ?? new Map()).set(tab, own)),
        )
      }
      return undefined
    },
    received(tab, receipt) {
      postbox.received(tab, receipt)
      for (const { hosted } of slots.values()) hosted?.goOn(tab)
    },
    dropTab(tab) {
      visits.delete(tab)
      turnedAway.delete(tab)
      postbox.dropTab(tab)
      for (const waiting of unadopted.values()) waiting.delete(tab)
      for (const slot of slots.values()) {
        slot.hosted?.dropTab(tab)
        slot.queue.dropTab(tab)
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

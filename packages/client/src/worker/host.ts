import { errorToData } from '@dustlayer/protocol'
import { openReplica } from '@dustlayer/replica'
import type { SyncClient } from '@dustlayer/sync'
import type { Storage } from '../storage/ladder.js'
import { toStorageError } from '../storage/storage-error.js'
import type { Call, CallResult } from '../tab/tab-protocol.js'
import { createHostedStore, type HostedStore, type Registrations } from './hosted-store.js'
import { createPostbox, type Parcel } from './postbox.js'
import type { Job } from './run-calls.js'

/** The leader's side of all calls: stores open on first use, and what arrives together runs together. */
export interface Host {
  /** Runs a batch; its answers come with a parcel for the tab. */
  submit(tab: string, batch: number, calls: readonly Call[], again: boolean): void
  adopt(tab: string, registrations: Registrations): void
  dropTab(tab: string): void
  close(): Promise<void>
}

export interface HostOptions {
  readonly storage: Storage
  readonly sync: SyncClient
  readonly deviceId: string
  /** Epoch ms. */
  now(): number
  /** Runs a function after the messages that are waiting now have been handled, so that they join its work. */
  defer(run: () => void): void
  deliver(tab: string, parcel: Parcel): void
}

interface Slot {
  /** Undefined while opening. */
  hosted: HostedStore | undefined
  readonly opening: Promise<HostedStore>
  /** Calls that have not run yet. */
  queue: Job[]
}

export function createHost({ storage, sync, deviceId, now, defer, deliver }: HostOptions): Host {
  const postbox = createPostbox(deliver)
  const slots = new Map<string, Slot>()
  let runPlanned = false
  let closed = false

  const open = async (store: string): Promise<HostedStore> => {
    const driver = await storage.open(store)
    try {
      const replica = openReplica({ driver, store, deviceId, now })
      return createHostedStore({
        store,
        replica,
        sync: sync.attach(store, replica.sync),
        storage: storage.info,
        postbox,
        defer,
      })
    } catch (error) {
      driver.close()
      throw error
    }
  }

  /** What tabs had registered with stores that could not be opened; for when one can. */
  const unadopted = new Map<string, Map<string, Registrations>>()

  const slotFor = (store: string): Slot => {
    const existing = slots.get(store)
    if (existing) return existing
    const opening = open(store)
    const slot: Slot = { hosted: undefined, opening, queue: [] }
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
    if (closed) return
    for (const { hosted, queue } of takeQueues()) hosted.run(queue)
  }

  const takeQueues = (): { hosted: HostedStore; queue: Job[] }[] =>
    [...slots.values()].flatMap((slot) => {
      const { hosted, queue } = slot
      if (!hosted || queue.length === 0) return []
      slot.queue = []
      return [{ hosted, queue }]
    })

  return {
    submit(tab, batch, calls, again) {
      if (closed) return
      const results: CallResult[] = []
      let open = calls.length
      calls.forEach((call, i) => {
        slotFor(call.store).queue.push({
          tab,
          call,
          again,
          settle(result) {
            results[i] = result
            open -= 1
            if (open === 0) postbox.answer(tab, batch, results)
          },
        })
      })
      planRun()
    },
    adopt(tab, registrations) {
      for (const [store, own] of byStore(registrations)) {
        slotFor(store).opening.then(
          (hosted) => hosted.adopt(tab, own),
          // The tab's next call to the store opens it again and is told the reason.
          () => unadopted.set(store, (unadopted.get(store) ?? new Map()).set(tab, own)),
        )
      }
    },
    dropTab(tab) {
      for (const waiting of unadopted.values()) waiting.delete(tab)
      for (const slot of slots.values()) {
        slot.hosted?.dropTab(tab)
        // Its writes are still wanted; there is nobody to read or to register for.
        slot.queue = slot.queue.filter((job) => job.tab !== tab || job.call.kind === 'write')
      }
    },
    async close() {
      closed = true
      const open = await Promise.allSettled([...slots.values()].map(({ opening }) => opening))
      for (const result of open) if (result.status === 'fulfilled') result.value.close()
      postbox.flush()
      slots.clear()
      sync.close()
      await storage.close()
    },
  }
}

function byStore({ subscriptions, statusWatches, awaited }: Registrations): Map<string, Registrations> {
  const stores = new Set([...subscriptions, ...statusWatches, ...awaited].map(({ store }) => store))
  const of = (store: string) => (registered: { readonly store: string }) => registered.store === store
  return new Map(
    Array.from(stores, (store) => [
      store,
      {
        subscriptions: subscriptions.filter(of(store)),
        statusWatches: statusWatches.filter(of(store)),
        awaited: awaited.filter(of(store)),
      },
    ]),
  )
}

import type { DustError } from '@dustlayer/protocol'
import type { StoreReport } from '../tab/tab-protocol.js'
import type { SendCall } from './call-batch.js'
import { brokenStatus, type PageState, type StoreStatus, storeStatus } from './status.js'
import type { Off } from './subscribers.js'

/** Status of stores, asked for and listened to. */
export interface StatusListeners {
  get(store: string): Promise<StoreStatus>
  /** Calls back with the status now and whenever it changes. */
  on(store: string, callback: (status: StoreStatus) => void): Off
  deliver(to: readonly number[], report: StoreReport): void
  setLeading(leading: boolean): void
  setProblem(problem: DustError): void
  /** The worker is gone for good. */
  setBroken(error: DustError): void
  close(): void
}

interface Listener {
  readonly store: string
  readonly callback: (status: StoreStatus) => void
  latest: StoreReport | undefined
  /** Why there is no report, when there is none. */
  failure: { readonly error: DustError; readonly since: number } | undefined
}

export interface StatusListenersOptions {
  readonly call: SendCall
  report(error: unknown): void
  /** Epoch ms. */
  now(): number
}

export function createStatusListeners({ call, report, now }: StatusListenersOptions): StatusListeners {
  const listeners = new Map<number, Listener>()
  let page: PageState = { leading: false, problem: null }
  let broken: { readonly error: DustError; readonly since: number } | undefined
  let lastId = 0

  const current = (store: string, latest: StoreReport | undefined): StoreStatus | undefined => {
    if (broken) return brokenStatus(store, broken.error, broken.since)
    return latest && storeStatus(latest, page)
  }

  const tell = ({ store, callback, latest, failure }: Listener): void => {
    const status = current(store, latest) ?? (failure && brokenStatus(store, failure.error, failure.since))
    if (!status) return
    try {
      callback(status)
    } catch (error) {
      report(error)
    }
  }

  const setPage = (change: Partial<PageState>): void => {
    page = { ...page, ...change }
    for (const listener of listeners.values()) tell(listener)
  }

  /** A report is proof that a leader works: what stood in the way before does not any more. */
  const forgetProblem = (): void => {
    if (page.problem) page = { ...page, problem: null }
  }

  const deliver: StatusListeners['deliver'] = (to, latest) => {
    forgetProblem()
    for (const id of to) {
      const listener = listeners.get(id)
      if (!listener) continue
      listener.latest = latest
      tell(listener)
    }
  }

  return {
    async get(store) {
      try {
        const latest = await call({ kind: 'status', store })
        forgetProblem()
        return storeStatus(latest, page)
      } catch (error) {
        const status = current(store, undefined)
        if (status) return status
        throw error
      }
    },
    on(store, callback) {
      const id = ++lastId
      const listener: Listener = { store, callback, latest: undefined, failure: undefined }
      listeners.set(id, listener)
      if (broken) queueMicrotask(() => listeners.has(id) && tell(listener))
      call({ kind: 'watchStatus', store, watch: { id, store } }).then(
        (latest) => deliver([id], latest),
        (error: DustError) => {
          // This store's own failure, such as a database of a newer version: the others may be well.
          if (broken || !listeners.has(id)) return
          listener.failure = { error, since: now() }
          tell(listener)
        },
      )
      return () => {
        if (listeners.delete(id)) call({ kind: 'unwatchStatus', store, id }).catch(() => undefined)
      }
    },
    deliver,
    setLeading: (leading) => setPage({ leading }),
    setProblem: (problem) => setPage({ problem }),
    setBroken(error) {
      broken = { error, since: now() }
      for (const listener of listeners.values()) tell(listener)
    },
    close: () => listeners.clear(),
  }
}

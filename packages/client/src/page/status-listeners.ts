import type { DustError } from '@dustlayer/protocol'
import type { StoreReport } from '../tab/tab-protocol.js'
import type { SendCall } from './call-batch.js'
import { brokenStatus, type PageState, type StoreStatus, storeStatus } from './status.js'
import type { Off } from './subscribers.js'

/** Status of stores, asked for and listened to. */
export interface StatusListeners {
  get(store: string): Promise<StoreStatus>
  /** Calls back with the status now and whenever it changes. */
  on(store: string, callback: StatusCallback): Off
  deliver(to: readonly number[], report: StoreReport): void
  setLeading(leading: boolean): void
  setProblem(problem: DustError): void
  /** The worker is gone for good. */
  setBroken(error: DustError): void
  close(): void
}

/** `report` is what the leader said, when it has said anything. */
export type StatusCallback = (status: StoreStatus, report: StoreReport | undefined) => void

interface Listener {
  readonly store: string
  readonly callback: StatusCallback
  latest: StoreReport | undefined
  /** Why there is no report, when there is none. */
  failure: { readonly error: DustError; readonly since: number } | undefined
}

export interface StatusListenersOptions {
  readonly call: SendCall
  report(error: unknown): void
  /** Epoch ms. */
  now(): number
  /** Runs a function after so many milliseconds, unless the returned function is called before. */
  setTimer(ms: number, run: () => void): () => void
}

/** Time for a leader that serves. */
const ANSWER_MS = 250

export function createStatusListeners({
  call,
  report,
  now,
  setTimer,
}: StatusListenersOptions): StatusListeners {
  const listeners = new Map<number, Listener>()
  let page: PageState = { leading: false, problem: null }
  let broken: { readonly error: DustError; readonly since: number } | undefined
  let lastId = 0
  /** Who has asked for a status, and is answered at once when it shows that no leader can. */
  const asking = new Set<() => void>()

  const current = (store: string, latest: StoreReport | undefined): StoreStatus | undefined => {
    if (broken) return brokenStatus(store, broken.error, broken.since)
    return latest && storeStatus(latest, page)
  }

  const statusOf = ({ store, latest, failure }: Listener): StoreStatus | undefined =>
    current(store, latest) ?? (failure && brokenStatus(store, failure.error, failure.since))

  /** What is known when the leader does not answer. */
  const statusUnanswered = (store: string, problem: DustError): StoreStatus => {
    const latest = [...listeners.values()].find((listener) => listener.store === store)?.latest
    return current(store, latest) ?? brokenStatus(store, problem, now())
  }

  const tell = (listener: Listener): void => {
    const status = statusOf(listener)
    if (!status) return
    try {
      listener.callback(status, listener.latest)
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
      listener.failure = undefined
      tell(listener)
    }
  }

  return {
    async get(store) {
      let answered = (): void => undefined
      const obstructed = new Promise<StoreStatus>((resolve) => {
        const look = (): void => {
          if (page.problem) resolve(statusUnanswered(store, page.problem))
        }
        asking.add(look)
        // What stood in the way when it was asked may not any more: that shows by an answer.
        const cancel = setTimer(ANSWER_MS, look)
        answered = () => {
          cancel()
          asking.delete(look)
        }
      })
      try {
        const answer = call({ kind: 'status', store }).then((latest) => {
          forgetProblem()
          return storeStatus(latest, page)
        })
        return await Promise.race([answer, obstructed])
      } catch (error) {
        const status = current(store, undefined)
        if (status) return status
        throw error
      } finally {
        answered()
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
    setProblem(problem) {
      for (const listener of listeners.values()) listener.failure ??= { error: problem, since: now() }
      setPage({ problem })
      for (const look of asking) look()
    },
    setBroken(error) {
      broken = { error, since: now() }
      for (const listener of listeners.values()) tell(listener)
    },
    close: () => listeners.clear(),
  }
}

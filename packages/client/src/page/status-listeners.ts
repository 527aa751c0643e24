import { ClosedError, DestroyedError, type DustError, UnavailableError } from '@dustlayer/protocol'
import type { StoreReport } from '../tab/status-report.js'
import type { SendCall } from './call-batch.js'
import { createReportMemory } from './report-memory.js'
import { brokenStatus, type PageState, type StoreStatus, storeStatus } from './status.js'
import type { Off } from './subscribers.js'

/** Status of stores, asked for and listened to. */
export interface StatusListeners {
  /** Also answers when nobody can be asked, with what is known. @throws ClosedError or DestroyedError at the end. */
  get(store: string): Promise<StoreStatus>
  /** Calls back with the status now and whenever it changes. */
  on(store: string, callback: StatusCallback): Off
  deliver(to: readonly number[], report: StoreReport): void
  setLeading(leading: boolean): void
  /** Whether a tab serves this page. */
  setServed(served: boolean): void
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
  failure: Obstacle | undefined
}

interface Obstacle {
  readonly error: DustError
  /** Epoch ms. */
  readonly since: number
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

const SILENCE = new UnavailableError(
  'The tab that has the local database and the connection does not answer: another one takes over. Calls wait.',
)

export function createStatusListeners({
  call,
  report,
  now,
  setTimer,
}: StatusListenersOptions): StatusListeners {
  const listeners = new Map<number, Listener>()
  const memory = createReportMemory()
  /** Until the worker tells otherwise, what it answers is the proof. */
  let page: PageState = { leading: false, unservedSince: null, problem: null }
  let broken: Obstacle | undefined
  let lastId = 0
  /** Who has asked for a status, and is answered at once when it shows that no leader can. */
  const asking = new Set<() => void>()

  const isWatched = (store: string): boolean =>
    [...listeners.values()].some((listener) => listener.store === store)

  const broke = (store: string, { error, since }: Obstacle): StoreStatus =>
    brokenStatus(store, error, since, memory.last(store))

  const current = (store: string): StoreStatus | undefined => {
    if (broken) return broke(store, broken)
    const latest = memory.last(store)
    return latest && storeStatus(latest, page, SILENCE)
  }

  const statusOf = ({ store, latest, failure }: Listener): StoreStatus | undefined => {
    if (failure && !broken) return broke(store, failure)
    return latest || broken ? current(store) : undefined
  }

  /** What is known when the leader does not answer. */
  const statusUnanswered = (store: string, error: DustError): StoreStatus =>
    current(store) ?? broke(store, { error, since: now() })

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
  const takeReport = (report: StoreReport): StoreReport => {
    page = { ...page, problem: null, unservedSince: null }
    return memory.note(report, isWatched(report.store))
  }

  const deliver: StatusListeners['deliver'] = (to, report) => {
    const latest = takeReport(report)
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
      if (broken) return broke(store, broken)
      let answered = (): void => undefined
      const obstructed = new Promise<StoreStatus>((resolve) => {
        const look = (): void => {
          const obstacle = page.problem ?? (page.unservedSince === null ? null : SILENCE)
          if (obstacle) resolve(statusUnanswered(store, obstacle))
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
        const answer = call({ kind: 'status', store }).then((report) =>
          storeStatus(takeReport(report), page, SILENCE),
        )
        return await Promise.race([answer, obstructed])
      } catch (error) {
        if (broken) return broke(store, broken)
        if (error instanceof ClosedError || error instanceof DestroyedError) throw error
        // Calls are rejected with Dust errors only, such as that of a database of a newer version.
        return broke(store, { error: error as DustError, since: now() })
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
    setServed(served) {
      if (served === (page.unservedSince === null)) return
      setPage(served ? { unservedSince: null, problem: null } : { unservedSince: now() })
      if (!served) for (const look of asking) look()
    },
    setProblem(problem) {
      for (const listener of listeners.values())
        if (!listener.latest) listener.failure ??= { error: problem, since: now() }
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

import { ClosedError, DestroyedError, type DustError, errorFromData } from '@dustlayer/protocol'
import type { NewOp } from '../operations/write.js'
import { randomId } from '../random-id.js'
import type { RejectionEdit } from '../tab/calls.js'
import { createCallBatcher, type SendCall } from './call-batch.js'
import { createLiveQueries, type LiveQueries } from './live.js'
import { NO_RECALL, type Recall } from './recall.js'
import { createReceipts } from './receipts.js'
import { createStatusListeners, type StatusListeners } from './status-listeners.js'
import { createSubscribers, type Subscribers } from './subscribers.js'
import { createWorkerKeeper, type WorkerKeeper } from './worker-keeper.js'
import type { OpenWorker } from './worker-link.js'
import type { Notice } from './worker-protocol.js'
import { type BatchWrite, batchWrite, createPendingWrites, type Write } from './writes.js'

/** This page's line to its instance: everything the API needs, for all stores. */
export interface Connection {
  readonly call: SendCall
  write(store: string, op: NewOp): Write
  writeBatch(store: string, ops: readonly NewOp[], separate: boolean): BatchWrite
  /** Writes a refused op again. */
  retry(store: string, opId: string, edit: RejectionEdit): Write
  readonly subscribe: Subscribers['subscribe']
  readonly live: LiveQueries['live']
  /** What queries gave the last time. */
  readonly recall: Recall
  readonly status: StatusListeners
  /** Resolves after so many milliseconds, also in a page that the browser slows down; never rejects. */
  wait(ms: number): Promise<void>
  /** A number in [0, 1). */
  random(): number
  /** An error of the app, or one that nobody else is told. */
  report(error: unknown): void
  setOnline(online: boolean): void
  reconnect(): void
  /** What the browser promises about this device's data may be another thing than before. */
  persistenceChanged(): void
  close(): Promise<void>
  /** Removes the instance's data from this device, and ends all its tabs. */
  destroy(): Promise<void>
}

export interface ConnectionOptions {
  readonly openWorker: OpenWorker
  /** Remembers nothing by default. */
  readonly recall?: Recall
  /** Forwards what the page lives through to the worker, until the returned function is called. */
  watchPage(worker: WorkerKeeper): () => void
  /** Another tab has removed the data, or runs a newer build: nothing can be called any more. */
  onEnded(error: DustError): void
  /** Runs a function after so many milliseconds, unless the returned function is called before. */
  setTimer(ms: number, run: () => void): () => void
  /** Epoch ms. */
  now(): number
  /** A number in [0, 1). */
  random(): number
  /** A callback of the app threw. */
  report(error: unknown): void
}

/** How long `close` waits for the answers to calls made before. */
const ANSWERS_DEADLINE_MS = 5_000

export function connect(options: ConnectionOptions): Connection {
  const { openWorker, recall = NO_RECALL, watchPage, onEnded, setTimer, now, random, report } = options
  const closed = new ClosedError('This Dust has been closed. Create a new one with createDust().')
  let closing: Promise<void> | undefined
  let destroying: Promise<void> | undefined
  /** Why nothing can be called any more. */
  let ended: DustError | undefined

  const onNotice = (notice: Notice): void => {
    switch (notice.kind) {
      case 'news':
        subscribers.present(notice.news.present)
        subscribers.deliver(notice.news.events)
        subscribers.drop(notice.news.dropped)
        liveQueries.deliver(notice.news.live)
        for (const settled of notice.news.settled) writes.settle(settled)
        for (const { to, report } of notice.news.reports) status.deliver(to, report)
        receipts.taken(notice.news)
        break
      case 'leading':
        status.setLeading(notice.leading)
        break
      case 'served':
        status.setServed(notice.served)
        break
      case 'problem':
        status.setProblem(errorFromData(notice.error))
        break
      case 'ended':
        endBy(errorFromData(notice.error))
    }
  }

  const endBy = (error: DustError): void => {
    if (ended) return
    ended = error
    void (error instanceof DestroyedError ? recall.forget() : recall.close())
    subscribers.close()
    liveQueries.close()
    writes.close(error)
    status.setBroken(error)
    // The worker of another build is kept: it can still remove the data.
    if (error instanceof DestroyedError) void worker.close()
    try {
      onEnded(error)
    } catch (failure) {
      report(failure)
    }
  }

  const worker = createWorkerKeeper({
    openWorker,
    onNotice,
    setTimer,
    random,
    onFailure(error, fatal) {
      if (fatal) status.setBroken(error)
      else {
        status.setServed(false)
        status.setProblem(error)
      }
    },
  })
  const batcher = createCallBatcher(async (batch, expire) => {
    const results = await worker.calls(batch, expire)
    batch.forEach((one, i) => {
      if (one.kind !== 'stores' && results[i]?.ok) recall.answered(one.store)
    })
    return results
  })
  const call: SendCall = (one) => (ended ? Promise.reject(ended) : batcher.call(one))
  const writes = createPendingWrites()
  let lastId = 0
  const nextId = (): number => ++lastId
  const receipts = createReceipts((receipt) => worker.confirm(receipt))
  const subscribers = createSubscribers({ call, nextId, report })
  const liveQueries = createLiveQueries({ call, recall, nextId, report })
  const status = createStatusListeners({ call, report, now, setTimer })
  const unwatchPage = watchPage(worker)

  /** A database that does not open, or a leader that does not answer, must not keep this page open. */
  const inTime = async (done: Promise<unknown>): Promise<void> => {
    let cancel = (): void => undefined
    const tooLate = new Promise<void>((resolve) => {
      cancel = setTimer(ANSWERS_DEADLINE_MS, resolve)
    })
    await Promise.race([done, tooLate])
    cancel()
  }

  /** From now on nothing is called back. */
  const fallSilent = (): void => {
    unwatchPage()
    subscribers.close()
    liveQueries.close()
    status.close()
  }

  return {
    call,
    write(store, op) {
      const opId = randomId('op_')
      return writes.follow(opId, call({ kind: 'write', store, op: { ...op, opId } }))
    },
    writeBatch(store, newOps, separate) {
      if (newOps.length === 0) return batchWrite([])
      const ops = newOps.map((op) => ({ ...op, opId: randomId('op_') }))
      const local = call({ kind: 'batch', store, batch: { id: randomId('batch_'), ops, separate } })
      return batchWrite(ops.map(({ opId }) => writes.follow(opId, local)))
    },
    retry(store, opId, edit) {
      const newOpId = randomId('op_')
      return writes.follow(newOpId, call({ kind: 'retryRejection', store, opId, newOpId, edit }))
    },
    subscribe(subscription) {
      if (ended) throw ended
      return subscribers.subscribe(subscription)
    },
    live(query) {
      if (ended) throw ended
      return liveQueries.live(query)
    },
    recall,
    status,
    wait: worker.wait,
    random,
    report,
    setOnline(online) {
      if (!ended) worker.pause(!online)
    },
    persistenceChanged() {
      if (!ended) worker.signal('persisted')
    },
    reconnect() {
      if (!ended) worker.signal('reconnect')
    },
    close() {
      closing ??= (async () => {
        ended ??= closed
        fallSilent()
        await (destroying?.catch(() => undefined) ?? inTime(Promise.all([batcher.settled(), recall.close()])))
        await worker.close()
        writes.close(closed)
      })()
      return closing
    },
    destroy() {
      if (closing && !destroying) return Promise.reject(closed)
      destroying ??= (async () => {
        ended = new DestroyedError("This Dust's local data has been removed.")
        fallSilent()
        writes.close(ended)
        try {
          await inTime(recall.forget())
          await worker.destroy()
        } catch (error) {
          // The worker stays: called again, it removes what is left.
          destroying = undefined
          ended = new DestroyedError(
            'This Dust was destroyed, but not all of its local data could be removed: destroy() said why. Call it again.',
          )
          throw error
        }
        await worker.close()
      })()
      return destroying
    },
  }
}

import { ClosedError, errorFromData } from '@dustlayer/protocol'
import type { LocalOp } from '@dustlayer/replica'
import { randomId } from '../random-id.js'
import { createCallBatcher, type SendCall } from './call-batch.js'
import { createStatusListeners, type StatusListeners } from './status-listeners.js'
import { createSubscribers, type Subscribers } from './subscribers.js'
import type { WorkerHandlers, WorkerLink } from './worker-link.js'
import type { Notice } from './worker-protocol.js'
import { createPendingWrites, type Write } from './writes.js'

/** This page's line to its instance: everything the API needs, for all stores. */
export interface Connection {
  readonly call: SendCall
  write(store: string, op: Omit<LocalOp, 'opId'>): Write
  readonly subscribe: Subscribers['subscribe']
  readonly status: StatusListeners
  setOnline(online: boolean): void
  reconnect(): void
  close(): Promise<void>
}

export interface ConnectionOptions {
  openWorker(handlers: WorkerHandlers): WorkerLink
  /** Forwards what the page lives through to the worker, until the returned function is called. */
  watchPage(worker: WorkerLink): () => void
  /** Epoch ms. */
  now(): number
  /** A callback of the app threw. */
  report(error: unknown): void
}

/** How long `close` waits for the answers to calls made before. */
const ANSWERS_DEADLINE_MS = 5_000

export function connect({ openWorker, watchPage, now, report }: ConnectionOptions): Connection {
  const closed = new ClosedError('This Dust has been closed. Create a new one with createDust().')
  let closing: Promise<void> | undefined

  const onNotice = (notice: Notice): void => {
    switch (notice.kind) {
      case 'news':
        subscribers.deliver(notice.news.events)
        for (const settled of notice.news.settled) writes.settle(settled)
        for (const { to, report } of notice.news.reports) status.deliver(to, report)
        break
      case 'leading':
        status.setLeading(notice.leading)
        break
      case 'problem':
        status.setProblem(errorFromData(notice.error))
    }
  }

  const worker = openWorker({
    onNotice,
    onFailure: (error, fatal) => (fatal ? status.setBroken(error) : status.setProblem(error)),
  })
  const batcher = createCallBatcher(worker.calls)
  const call: SendCall = (one) => (closing ? Promise.reject(closed) : batcher.call(one))
  const writes = createPendingWrites()
  const subscribers = createSubscribers({ call, report })
  const status = createStatusListeners({ call, report, now })
  const unwatchPage = watchPage(worker)

  /** A database that does not open, or a leader that does not answer, must not keep this page open. */
  const answersInTime = async (): Promise<void> => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ANSWERS_DEADLINE_MS)
    })
    await Promise.race([batcher.settled(), tooLate])
    clearTimeout(timer)
  }

  return {
    call,
    write(store, op) {
      const opId = randomId('op_')
      return writes.follow(opId, call({ kind: 'write', store, op: { ...op, opId } }))
    },
    subscribe(subscription) {
      if (closing) throw closed
      return subscribers.subscribe(subscription)
    },
    status,
    setOnline(online) {
      if (!closing) worker.pause(!online)
    },
    reconnect() {
      if (!closing) worker.signal('reconnect')
    },
    close() {
      closing ??= (async () => {
        unwatchPage()
        subscribers.close()
        status.close()
        await answersInTime()
        await worker.close()
        writes.close(closed)
      })()
      return closing
    },
  }
}

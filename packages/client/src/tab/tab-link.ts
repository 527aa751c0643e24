import { type ErrorData, errorToData, UnavailableError } from '@dustlayer/protocol'
import {
  type AwaitedWrite,
  type Call,
  type CallResult,
  type News,
  type PageSignal,
  type StatusWatch,
  type Subscription,
  TAB_PROTOCOL,
  type ToLeader,
  type ToTab,
} from './tab-protocol.js'

/** How a tab's messages reach the leader: a channel, or a function call when the leader is in the same worker. */
export type LeaderPort = (message: ToLeader) => void

/** A tab's line to whichever tab leads: sends again what a leader that went away has not answered. */
export interface TabLink {
  calls(batch: readonly Call[]): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  /** Whether this tab wants its instance off the network; every leader is told. */
  readonly paused: boolean
  pause(paused: boolean): void
  /** A leader is there. Leaders of an older epoch than the present one are ignored. */
  follow(leader: string, epoch: number, port: LeaderPort): void
  /** This way to a leader is closed; calls wait for the next one. */
  unfollow(port: LeaderPort): void
  receive(message: ToTab): void
  /** No leader can be reached and this tab cannot lead: answers all calls with the error until one appears. */
  fail(error: unknown): void
  /** Says goodbye and answers what is open with the error. */
  close(error: unknown): void
}

export interface TabLinkOptions {
  readonly tab: string
  /** What a flush brought, in order. */
  onNews(news: News): void
}

interface OpenBatch {
  readonly calls: readonly Call[]
  readonly settle: (results: readonly CallResult[]) => void
  sent: boolean
}

export function createTabLink({ tab, onNews }: TabLinkOptions): TabLink {
  const open = new Map<number, OpenBatch>()
  const subscriptions = new Map<number, Subscription>()
  const statusWatches = new Map<number, StatusWatch>()
  const awaited = new Map<string, AwaitedWrite>()
  let current: { readonly leader: string; readonly epoch: number; readonly port: LeaderPort } | undefined
  let lastEpoch = 0
  let failure: ErrorData | undefined
  let paused = false
  let closed = false
  let nextBatch = 1

  const send = (id: number, batch: OpenBatch): void => {
    if (!current) return
    current.port({
      v: TAB_PROTOCOL,
      from: tab,
      kind: 'calls',
      batch: id,
      calls: batch.calls,
      again: batch.sent,
    })
    batch.sent = true
  }

  const failAll = (error: ErrorData): void => {
    for (const [id, { calls, settle }] of open) {
      open.delete(id)
      settle(calls.map(() => ({ ok: false, error })))
    }
  }

  const answer = (id: number, results: readonly CallResult[]): void => {
    const batch = open.get(id)
    if (!batch) return
    open.delete(id)
    batch.calls.forEach((call, i) => {
      if (results[i]?.ok) remember(call)
    })
    batch.settle(results)
  }

  /** What the next leader must be told about this tab. */
  const remember = (call: Call): void => {
    switch (call.kind) {
      case 'write':
        awaited.set(call.op.opId, { store: call.store, opId: call.op.opId })
        break
      case 'subscribe':
        subscriptions.set(call.subscription.id, call.subscription)
        break
      case 'unsubscribe':
        subscriptions.delete(call.id)
        break
      case 'watchStatus':
        statusWatches.set(call.watch.id, call.watch)
        break
      case 'unwatchStatus':
        statusWatches.delete(call.id)
        break
      default:
    }
  }

  return {
    calls: (calls) =>
      new Promise((settle) => {
        if (failure) {
          const error = failure
          settle(calls.map(() => ({ ok: false, error })))
          return
        }
        const batch: OpenBatch = { calls, settle, sent: false }
        const id = nextBatch++
        open.set(id, batch)
        send(id, batch)
      }),
    signal(signal) {
      current?.port({ v: TAB_PROTOCOL, from: tab, kind: 'signal', signal })
    },
    get paused() {
      return paused
    },
    pause(wanted) {
      if (wanted === paused) return
      paused = wanted
      current?.port({ v: TAB_PROTOCOL, from: tab, kind: 'pause', paused })
    },
    follow(leader, epoch, port) {
      if (closed || current?.leader === leader || epoch < lastEpoch) return
      current = { leader, epoch, port }
      lastEpoch = epoch
      failure = undefined
      port({
        v: TAB_PROTOCOL,
        from: tab,
        kind: 'hello',
        subscriptions: [...subscriptions.values()],
        statusWatches: [...statusWatches.values()],
        awaited: [...awaited.values()],
        paused,
      })
      for (const [id, batch] of open) send(id, batch)
    },
    unfollow(port) {
      if (current?.port === port) current = undefined
    },
    receive(message) {
      if (message.kind === 'incompatible') {
        failure = errorToData(
          new UnavailableError(
            'Another tab of this site runs a different version of the app. Close it or reload it, then reload this one.',
          ),
        )
        failAll(failure)
        return
      }
      if (message.kind !== 'flush') return
      // Answers first: they register the writes whose verdicts the same flush may bring.
      for (const { batch, results } of message.answers) answer(batch, results)
      for (const { opId } of message.settled) awaited.delete(opId)
      if (message.events.length + message.settled.length + message.reports.length > 0) onNews(message)
    },
    fail(error) {
      if (current || closed) return
      failure = errorToData(error)
      failAll(failure)
    },
    close(error) {
      closed = true
      current?.port({ v: TAB_PROTOCOL, from: tab, kind: 'bye' })
      current = undefined
      failure = errorToData(error)
      failAll(failure)
    },
  }
}

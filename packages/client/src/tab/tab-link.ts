import { type DustError, type ErrorData, errorFromData, errorToData } from '@dustlayer/protocol'
import { createRegistry } from './registry.js'
import type {
  Build,
  Call,
  CallResult,
  Hello,
  News,
  PageSignal,
  Receipt,
  ToLeader,
  ToTab,
} from './tab-protocol.js'

/** How a tab's messages reach the leader: a channel, or a function call when the leader is in the same worker. */
export type LeaderPort = (message: ToLeader) => void

/** A tab's line to whichever tab leads: sends again what a leader that went away has not answered. */
export interface TabLink {
  /** `again`: sent before, by a worker of this page that is gone. */
  calls(batch: readonly Call[], again?: boolean): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  /** Whether this tab wants its instance off the network; every leader is told. */
  readonly paused: boolean
  pause(paused: boolean): void
  /**
   * A leader is there. Leaders of an older epoch than the present one are ignored.
   * @returns the epoch of the present leader when that is a later one.
   */
  follow(leader: string, epoch: number, port: LeaderPort): number | undefined
  /** This way to a leader is closed; calls wait for the next one. */
  unfollow(port: LeaderPort): void
  receive(message: ToTab): void
  /** The page has taken in what came up to there. */
  confirm(receipt: Receipt): void
  /** Asks the leader for a sign of life. */
  ping(): void
  /** Calls wait, and there is no leader that serves. */
  readonly unserved: boolean
  /** Answers what waits now with what the leader says it waits for, or else the error. */
  giveUp(error: unknown): void
  /** No leader can be reached and this tab cannot lead: answers all calls with the error until one appears. */
  fail(error: unknown): void
  /** Says goodbye and answers what is open with the error. */
  close(error: unknown): void
}

export interface TabLinkOptions {
  readonly tab: string
  readonly build: Build
  /** What a worker of the same page before this one had registered. */
  readonly restored?: Hello | undefined
  /** What a flush brought, in order. */
  onNews(news: News): void
  /** The leader cannot serve yet. */
  onWaiting(error: DustError): void
  /** This worker is to be replaced. */
  onRestart(): void
}

interface OpenBatch {
  readonly calls: readonly Call[]
  readonly settle: (results: readonly CallResult[]) => void
  sent: boolean
}

/** Who leads, how to reach it, and what has arrived from it. */
interface Following {
  readonly leader: string
  readonly epoch: number
  readonly port: LeaderPort
  /** Why it cannot serve yet. */
  waiting: ErrorData | undefined
  received: number
  confirmed: number
  /** What the leader has been told of `received`. */
  reported: number
}

/** The leader stops after a few times as many messages that it hears nothing of. */
const REPORT_EVERY = 64

export function createTabLink(options: TabLinkOptions): TabLink {
  const { tab, build, restored, onNews, onWaiting, onRestart } = options
  const open = new Map<number, OpenBatch>()
  const registry = createRegistry(restored)
  let current: Following | undefined
  let lastEpoch = 0
  let lastLeader: string | undefined
  let failure: ErrorData | undefined
  let paused = false
  let closed = false
  let nextBatch = 1

  const post = (body: Body<ToLeader>): void => {
    if (!current) return
    const { leader, port } = current
    // The header completes whichever message it is.
    port({ ...build, from: tab, to: leader, ...body } as ToLeader)
  }

  const send = (id: number, batch: OpenBatch): void => {
    if (!current) return
    post({ kind: 'calls', batch: id, calls: batch.calls, again: batch.sent })
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
    registry.answered(batch.calls, results)
    batch.settle(results)
  }

  const report = (following: Following): void => {
    const { confirmed, received } = following
    following.reported = received
    post({ kind: 'received', confirmed, received })
  }

  const arrived = ({ leader, flush }: News): void => {
    if (current?.leader !== leader) return
    current.received = flush
    current.waiting = undefined
    // The first number that a leader uses is not one for each tab.
    if (current.reported === 0) current.reported = flush
    else if (flush - current.reported >= REPORT_EVERY) report(current)
  }

  return {
    calls: (calls, again = false) =>
      new Promise((settle) => {
        if (failure) {
          const error = failure
          settle(calls.map(() => ({ ok: false, error })))
          return
        }
        const batch: OpenBatch = { calls, settle, sent: again }
        const id = nextBatch++
        open.set(id, batch)
        send(id, batch)
      }),
    signal: (signal) => post({ kind: 'signal', signal }),
    get paused() {
      return paused
    },
    pause(wanted) {
      if (wanted === paused) return
      paused = wanted
      post({ kind: 'pause', paused })
    },
    follow(leader, epoch, port) {
      if (closed || current?.leader === leader) return undefined
      if (epoch < lastEpoch) return lastEpoch
      current = { leader, epoch, port, waiting: undefined, received: 0, confirmed: 0, reported: 0 }
      lastEpoch = epoch
      lastLeader = leader
      failure = undefined
      post({ kind: 'hello', ...registry.all, paused })
      for (const [id, batch] of open) send(id, batch)
      return undefined
    },
    unfollow(port) {
      if (current?.port === port) current = undefined
    },
    receive(message) {
      if (message.kind === 'waiting' && message.leader === current?.leader) {
        current.waiting = message.error
        onWaiting(errorFromData(message.error))
      }
      if (message.kind === 'restart') onRestart()
      if (message.kind !== 'flush') return
      // Answers first: they register the writes whose verdicts the same flush may bring.
      for (const { batch, results } of message.answers) answer(batch, results)
      registry.settled(message.settled)
      // The present leader was told what had arrived before it, and makes up for the rest itself.
      const news = message.leader === lastLeader ? message : { ...message, ...NO_CHANGES }
      registry.dropped(news.dropped)
      registry.seen(news.positions)
      arrived(news)
      if (hasNews(news)) onNews(news)
    },
    confirm({ leader, flush }) {
      if (current?.leader !== leader) return
      current.confirmed = Math.max(current.confirmed, flush)
      report(current)
    },
    ping: () => post({ kind: 'ping' }),
    get unserved() {
      return open.size > 0 && (!current || current.waiting !== undefined)
    },
    giveUp: (error) => failAll(current?.waiting ?? errorToData(error)),
    fail(error) {
      if (current || closed) return
      failure = errorToData(error)
      failAll(failure)
    },
    close(error) {
      if (closed) return
      closed = true
      post({ kind: 'bye' })
      current = undefined
      failure = errorToData(error)
      failAll(failure)
    },
  }
}

/** A message without the fields that all have. */
type Body<T> = T extends unknown ? Omit<T, keyof Build | 'from' | 'to'> : never

const NO_CHANGES = { positions: [], present: [], events: [], live: [], dropped: [] }

/** Whether there is something for the page, beside answers. */
function hasNews({ present, events, live, dropped, settled, reports }: News): boolean {
  return [present, events, live, dropped, settled, reports].some(({ length }) => length > 0)
}

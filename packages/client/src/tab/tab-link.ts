import { type DustError, type ErrorData, errorFromData, errorToData } from '@dustlayer/protocol'
import type { Call, CallResult } from './calls.js'
import type { News, Receipt } from './news.js'
import {
  isHopeless,
  isOverdue,
  isPoisonous,
  noLeader,
  type OpenBatch,
  poisonous,
  unanswered,
} from './open-batches.js'
import { createRegistry } from './registry.js'
import type { Build, Hello, PageSignal, ToLeader, ToTab } from './tab-protocol.js'

/** How a tab's messages reach the leader: a channel, or a function call when the leader is in the same worker. */
export type LeaderPort = (message: ToLeader) => void

/** A tab's line to whichever tab leads: sends again what a leader that went away has not answered. */
export interface TabLink {
  /** The tab takes part from now on, under that name. */
  enter(tab: string): void
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
  /** Whose copy the tab has shown, see `Hello`. */
  readonly device: string | null
  /**
   * Told every `LOOK_MS`: calls that have waited for 30 s for a leader that serves are rejected, and not run any more.
   * What they would have registered stays registered.
   */
  look(leaderIsSilent: boolean): void
  /** This tab cannot lead: calls are answered with the error for as long as there is no leader at all. */
  fail(error: unknown): void
  /** Says goodbye and answers what is open with the error. */
  close(error: unknown): void
}

export interface TabLinkOptions {
  readonly build: Build
  /** What a worker of the same page before this one had registered. */
  readonly restored?: Hello | undefined
  /** May be served only by who keeps things on this device. */
  readonly persistent: boolean
  /** What a flush brought, in order. */
  onNews(news: News): void
  /** The leader cannot serve yet. */
  onWaiting(error: DustError): void
  /** Whether there is a leader that serves, and that has been heard of lately. False at first; told when it changes. */
  onServed(served: boolean): void
  /** Whose copy the tab shows from now on. */
  onDevice(device: string | null): void
  /** What the tab has shown was removed: the leader serves another copy. */
  onRemoved(): void
  /** This worker is to be replaced. */
  onRestart(): void
}

/** Who leads, how to reach it, and what has arrived from it. */
interface Following {
  readonly leader: string
  readonly epoch: number
  readonly port: LeaderPort
  serving: boolean
  /** It was silent for as long as it may, once. */
  silenced: boolean
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
  const { build, restored, persistent, onNews, onWaiting, onServed, onDevice, onRemoved, onRestart } = options
  const open = new Map<number, OpenBatch>()
  const registry = createRegistry(restored)
  let tab = ''
  let current: Following | undefined
  let lastEpoch = 0
  let lastLeader: string | undefined
  /** The one before. */
  let formerLeader: string | undefined
  /** Why this tab cannot lead. */
  let failure: ErrorData | undefined
  let paused = false
  let closed: ErrorData | undefined
  let nextBatch = 1

  const postTo = ({ leader, port }: Following, body: Body<ToLeader>): void => {
    // The header completes whichever message it is.
    port({ ...build, from: tab, to: leader, ...body } as ToLeader)
  }

  const post = (body: Body<ToLeader>): void => {
    if (current) postTo(current, body)
  }

  const send = (id: number, batch: OpenBatch): void => {
    if (!current) return
    const again = batch.sent > 0
    batch.sent += 1
    post({ kind: 'calls', batch: id, calls: batch.calls, again })
  }

  /** What is registered by it stands, and is told to the next leader. */
  const giveUp = (id: number, error: ErrorData, uncertain: boolean): void => {
    const batch = open.get(id)
    if (batch) answer(id, unanswered(batch.calls, error, uncertain))
  }

  const giveUpAll = (error: ErrorData): void => {
    for (const [id, { sent }] of open) giveUp(id, error, sent > 0)
  }

  const reason = (): ErrorData => current?.waiting ?? failure ?? noLeader()

  const sayHello = (): void => post({ kind: 'hello', ...registry.all, paused, persistent })

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

  let wasServed = false
  const noteServed = (now: boolean): void => {
    if (now === wasServed) return
    wasServed = now
    onServed(now)
  }

  const serves = (following: Following): void => {
    noteServed(true)
    following.serving = true
    following.waiting = undefined
  }

  const arrived = ({ leader, flush }: News): void => {
    if (current?.leader !== leader) return
    current.received = flush
    serves(current)
    // The first number that a leader uses is not one for each tab.
    if (current.reported === 0) current.reported = flush
    else if (flush - current.reported >= REPORT_EVERY) report(current)
  }

  /** Of the leader that is followed, apart from flushes. */
  const hear = (message: ToTab, from: Following): void => {
    switch (message.kind) {
      case 'waiting':
        from.waiting = message.error
        onWaiting(errorFromData(message.error))
        break
      case 'serving':
        serves(from)
        belongTo(message.device)
        break
      case 'forgotten':
        for (const id of message.batches) giveUp(id, reason(), (open.get(id)?.sent ?? 0) > 1)
        // What they were to register, the leader does not know.
        sayHello()
        break
      default:
    }
  }

  const belongTo = (device: string | null): void => {
    const before = registry.device
    if (device === before) return
    if (device !== null && before !== null) {
      onRemoved()
      return
    }
    registry.belongs(device)
    onDevice(device)
  }

  /**
   * The last messages of a leader that has died can arrive after the first of the next one. They count until that one
   * serves; from then on it makes up for the rest itself.
   */
  const isLate = ({ leader, kind }: ToTab): boolean =>
    leader === formerLeader && current?.serving === false && (kind === 'foretell' || kind === 'flush')

  const take = (message: Extract<ToTab, { kind: 'flush' }>, counts: boolean): void => {
    // Answers first: they register the writes whose verdicts the same flush may bring.
    for (const { batch, results } of message.answers) answer(batch, results)
    registry.settled(message.settled)
    const changes = counts ? { events: registry.reveal(message.events) } : NO_CHANGES
    const news = { ...message, ...changes }
    registry.dropped(news.dropped)
    registry.seen(news.positions)
    arrived(news)
    if (hasNews(news)) onNews(news)
  }

  return {
    enter(name) {
      tab = name
    },
    calls: (calls, again = false) =>
      new Promise((settle) => {
        if (closed) {
          settle(rejected(calls, closed))
          return
        }
        const batch: OpenBatch = { calls, settle, sent: again ? 1 : 0, silenced: 0, unserved: 0 }
        const id = nextBatch++
        open.set(id, batch)
        send(id, batch)
        if (failure && !current) giveUp(id, failure, again)
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
      current = {
        leader,
        epoch,
        port,
        serving: false,
        silenced: false,
        waiting: undefined,
        received: 0,
        confirmed: 0,
        reported: 0,
      }
      lastEpoch = epoch
      formerLeader = lastLeader
      lastLeader = leader
      failure = undefined
      for (const [id, batch] of open) if (isPoisonous(batch)) giveUp(id, poisonous(), true)
      sayHello()
      for (const [id, batch] of open) send(id, batch)
      return undefined
    },
    unfollow(port) {
      const before = current
      if (before?.port !== port) return
      current = undefined
      // What that leader has not run, it need not: it will be sent again, under another name perhaps.
      if (open.size > 0) postTo(before, { kind: 'forget', batches: [...open.keys()] })
    },
    receive(message) {
      if (message.leader === current?.leader) hear(message, current)
      if (message.kind === 'restart') onRestart()
      const late = isLate(message)
      const counts = late || message.leader === lastLeader
      if (message.kind === 'foretell' && counts) registry.foretold(message)
      if (message.kind === 'flush') take(message, counts)
      // What the present leader was told is not all any more.
      if (late) sayHello()
    },
    confirm({ leader, flush }) {
      if (current?.leader !== leader) return
      current.confirmed = Math.max(current.confirmed, flush)
      report(current)
    },
    ping: () => post({ kind: 'ping' }),
    get device() {
      return registry.device
    },
    look(leaderIsSilent) {
      const served = current?.serving === true && !leaderIsSilent
      noteServed(served)
      if (leaderIsSilent && current?.serving && !current.silenced) {
        current.silenced = true
        for (const batch of open.values()) batch.silenced += 1
      }
      const forget: number[] = []
      for (const [id, batch] of open) {
        batch.unserved = served ? 0 : batch.unserved + 1
        if (!isOverdue(batch)) continue
        if (batch.sent > 0) forget.push(id)
        if (isHopeless(batch)) giveUp(id, reason(), batch.sent > 0)
      }
      if (forget.length > 0) post({ kind: 'forget', batches: forget })
    },
    fail(error) {
      failure = errorToData(error)
      if (!current) giveUpAll(failure)
    },
    close(error) {
      if (closed) return
      closed = errorToData(error)
      post({ kind: 'bye' })
      current = undefined
      for (const [id, { calls, settle }] of open) {
        open.delete(id)
        settle(rejected(calls, closed))
      }
    },
  }
}

function rejected(calls: readonly Call[], error: ErrorData): CallResult[] {
  return calls.map(() => ({ ok: false, error }))
}

/** A message without the fields that all have. */
type Body<T> = T extends unknown ? Omit<T, keyof Build | 'from' | 'to'> : never

const NO_CHANGES = { positions: [], present: [], events: [], live: [], dropped: [] }

/** Whether there is something for the page, beside answers. */
function hasNews({ present, events, live, dropped, settled, reports }: News): boolean {
  return [present, events, live, dropped, settled, reports].some(({ length }) => length > 0)
}

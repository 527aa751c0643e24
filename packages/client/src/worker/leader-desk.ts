import { type ErrorData, errorToData } from '@dustlayer/protocol'
import type { Clock } from '@dustlayer/sync'
import { compareBuilds } from '../tab/build.js'
import type { Channel, OpenChannel } from '../tab/channel.js'
import type { InstanceNames } from '../tab/instance-names.js'
import type { Locks } from '../tab/locks.js'
import type { Foretelling } from '../tab/news.js'
import type { Announcement, Build, PageSignal, ToLeader, ToTab } from '../tab/tab-protocol.js'
import { createDeskQueue } from './desk-queue.js'
import type { Host } from './host.js'
import type { Parcel } from './postbox.js'

/** The leader's counter: takes what the tabs send to the host, and carries the host's parcels to the tabs. */
export interface LeaderDesk {
  readonly leader: string
  /** For the tab in the leader's own worker, whose messages need no channel. */
  receive(message: ToLeader): void
  /** Announces the leader and waits until the tabs that are there have introduced themselves. */
  rollCall(): Promise<void>
  /** Tells the tabs that the leader is alive. */
  beat(): void
  /** Whether the leader may be silent for a while, which the tabs are told at once. */
  setBusy(busy: boolean): void
  /** Has workers that have led before end, in case that they still have the files. */
  askForFiles(): void
  /** Tells the tabs what the leader waits for before it can serve. */
  waiting(error: unknown): void
  /** Starts to serve, with what has arrived so far. `device`: whose copy it is, null where that cannot be kept. */
  open(host: Host, device: string | null): void
  /** Has all tabs replace their workers, this leader's included. */
  restartTabs(): void
  deliver(tab: string, parcel: Parcel): void
  foretell(tab: string, foretelling: Foretelling): void
  close(): void
}

export interface LeaderDeskOptions {
  readonly names: InstanceNames
  readonly build: Build
  readonly leader: string
  readonly epoch: number
  /** The tab in this worker, and its way in. */
  readonly ownTab: string
  readonly toOwnTab: (message: ToTab) => void
  readonly openChannel: OpenChannel
  readonly locks: Locks
  readonly clock: Clock
  onSignal(signal: PageSignal): void
  /** Whether any tab wants the instance off the network. */
  onPaused(paused: boolean): void
  /** A tab of a newer build has come. */
  onNewer(newer: Build): void
  /** Tabs have followed a leader of that later epoch. */
  onLate(epoch: number): void
}

/**
 * How long a new leader waits for the tabs that it knows to be alive. Their subscriptions should be registered
 * before the first change is made; a frozen tab must not hold up the others.
 */
const ROLL_CALL_MS = 200

export function createLeaderDesk(options: LeaderDeskOptions): LeaderDesk {
  const { names, build, leader, epoch, ownTab, toOwnTab, openChannel, locks, clock } = options
  const tabs = new Map<string, Channel | undefined>()
  const pausing = new Set<string>()
  const queue = createDeskQueue()
  const stopped = new AbortController()
  let obstacle: ErrorData | undefined
  let host: Host | undefined
  let busy = false
  let device: string | null = null
  let onHello: () => void = () => undefined

  const openTo = (tab: string): Channel => openChannel(names.toTab(tab), () => undefined)

  const addressed = (body: Body<ToTab>): ToTab => ({ ...build, leader, epoch, ...body }) as ToTab

  const post = (tab: string, body: Body<ToTab>): void => {
    if (tab === ownTab) toOwnTab(addressed(body))
    else tabs.get(tab)?.post(addressed(body))
  }

  const tellOutdated = (tab: string): void => {
    const channel = openTo(tab)
    channel.post(addressed({ kind: 'outdated' }))
    channel.close()
  }

  /** Opens the way to a tab, and closes it when the tab's own lock tells that it is gone. */
  const meet = (tab: string): void => {
    if (tabs.has(tab)) return
    if (tab === ownTab) {
      tabs.set(tab, undefined)
      return
    }
    tabs.set(tab, openTo(tab))
    locks.acquire(names.tabLock + tab, stopped.signal).then(
      ({ release }) => {
        release()
        leave(tab)
      },
      // Aborted: this leader has closed.
      () => undefined,
    )
  }

  const setPaused = (tab: string, paused: boolean): void => {
    if (paused) pausing.add(tab)
    else pausing.delete(tab)
    options.onPaused(pausing.size > 0)
  }

  const leave = (tab: string): void => {
    // The leader goes with its own tab, and the next one asks anew who wants to be off the network.
    if (tab !== ownTab) setPaused(tab, false)
    tabs.get(tab)?.close()
    tabs.delete(tab)
    if (host) host.dropTab(tab)
    else queue.dropTab(tab)
    onHello()
  }

  /** Once the leader serves it is too late: what came before is run, and answered. */
  const forget = (tab: string, batches: readonly number[]): void => {
    const forgotten = queue.forget(tab, batches)
    if (forgotten.length > 0) post(tab, { kind: 'forgotten', batches: forgotten })
  }

  const handle = (message: ToLeader, to: Host): void => {
    const { from } = message
    switch (message.kind) {
      case 'hello': {
        setPaused(from, message.paused)
        const refusal = to.adopt(from, message)
        if (refusal) post(from, { kind: 'waiting', error: refusal })
        break
      }
      case 'pause':
        setPaused(from, message.paused)
        break
      case 'calls':
        to.submit(from, message.batch, message.calls, message.again)
        break
      case 'received':
        to.received(from, message)
        break
      case 'signal':
        options.onSignal(message.signal)
        break
      case 'bye':
        leave(from)
        break
      default:
    }
  }

  /** Meant for this leader: another one may be listening, too, and does not know yet that it has been deposed. */
  const isForMe = ({ to }: ToLeader): boolean => to === null || to === leader

  const receive = (message: ToLeader): void => {
    const age = compareBuilds(message, build)
    if (age === 'newer') options.onNewer(message)
    else if (age === 'older') tellOutdated(message.from)
    else if (!isForMe(message)) return
    else if (message.kind === 'ping') beat()
    else if (message.kind === 'late') options.onLate(message.epoch)
    else take(message)
  }

  const take = (message: ToLeader): void => {
    const { from } = message
    meet(from)
    if (message.kind === 'hello') {
      post(from, { kind: 'welcome' })
      if (host) post(from, { kind: 'serving', device })
      if (obstacle) post(from, { kind: 'waiting', error: obstacle })
    }
    if (message.kind === 'forget') {
      forget(from, message.batches)
      return
    }
    if (host) {
      handle(message, host)
      return
    }
    queue.add(message)
    if (message.kind === 'hello') onHello()
  }

  // What arrives here was posted by this library; its build is looked at before its shape is relied on.
  const inbox = openChannel(names.toLeader, (message) => receive(message as ToLeader))
  const announcements = openChannel(names.announcements, () => undefined)

  const beat = (): void => {
    // The end of long work is told in a later turn.
    if (stopped.signal.aborted) return
    announcements.post({ ...build, kind: 'leader', leader, epoch, busy } satisfies Announcement)
  }

  const rollCall: LeaderDesk['rollCall'] = async () => {
    beat()
    await new Promise<void>((resolve) => {
      let over = false
      const done = (): void => {
        over = true
        onHello = () => undefined
        cancel()
        resolve()
      }
      const cancel = clock.setTimer(ROLL_CALL_MS, done)
      stopped.signal.addEventListener('abort', done, { once: true })
      const expect = (held: readonly string[] | undefined): void => {
        // Of whom nobody tells, only their hellos do.
        if (over || !held) return
        const living = held.map((name) => name.slice(names.tabLock.length)).filter((tab) => tab !== ownTab)
        for (const tab of living) meet(tab)
        onHello = () => {
          if (living.every((tab) => !tabs.has(tab) || queue.hasHelloOf(tab))) done()
        }
        onHello()
      }
      // Nothing is served before the end of this, so that it must end even if there is no answer.
      void locks.held(names.tabLock).then(expect)
    })
  }

  return {
    leader,
    receive,
    rollCall,
    beat,
    setBusy(is) {
      busy = is
      beat()
    },
    askForFiles() {
      announcements.post({ ...build, kind: 'release' } satisfies Announcement)
    },
    waiting(error) {
      obstacle = errorToData(error)
      for (const tab of tabs.keys()) post(tab, { kind: 'waiting', error: obstacle })
    },
    open(opened, whose) {
      host = opened
      device = whose
      obstacle = undefined
      for (const tab of tabs.keys()) post(tab, { kind: 'serving', device })
      for (const message of queue.takeAll()) handle(message, opened)
    },
    restartTabs() {
      for (const tab of tabs.keys()) if (tab !== ownTab) post(tab, { kind: 'restart' })
      post(ownTab, { kind: 'restart' })
    },
    deliver(tab, parcel) {
      post(tab, { kind: 'flush', ...parcel })
    },
    foretell(tab, foretelling) {
      post(tab, { kind: 'foretell', ...foretelling })
    },
    close() {
      stopped.abort()
      host = undefined
      inbox.close()
      announcements.close()
      for (const channel of tabs.values()) channel?.close()
      tabs.clear()
    },
  }
}

/** A message without the fields that all have. */
type Body<T> = T extends unknown ? Omit<T, keyof Build | 'leader' | 'epoch'> : never

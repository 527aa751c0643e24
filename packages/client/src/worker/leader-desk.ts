import type { Clock } from '@dustlayer/sync'
import type { Channel, OpenChannel } from '../tab/channel.js'
import type { Locks } from '../tab/locks.js'
import {
  type InstanceNames,
  type PageSignal,
  TAB_PROTOCOL,
  type ToLeader,
  type ToTab,
} from '../tab/tab-protocol.js'
import type { Host } from './host.js'
import type { Parcel } from './postbox.js'

/** The leader's counter: takes what the tabs send to the host, and carries the host's parcels to the tabs. */
export interface LeaderDesk {
  readonly leader: string
  readonly epoch: number
  /** For the tab in the leader's own worker, whose messages need no channel. */
  receive(message: ToLeader): void
  /** Announces the leader and waits until the tabs that are there have introduced themselves. */
  rollCall(): Promise<void>
  /** Starts to serve, with what has arrived so far. */
  open(host: Host): void
  deliver(tab: string, parcel: Parcel): void
  close(): void
}

export interface LeaderDeskOptions {
  readonly names: InstanceNames
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
}

/**
 * How long a new leader waits for the tabs that it knows to be alive. Their subscriptions should be registered
 * before the first change is made; a frozen tab must not hold up the others.
 */
const ROLL_CALL_MS = 200

export function createLeaderDesk(options: LeaderDeskOptions): LeaderDesk {
  const { names, leader, epoch, ownTab, toOwnTab, openChannel, locks, clock, onSignal, onPaused } = options
  const tabs = new Map<string, Channel | undefined>()
  const pausing = new Set<string>()
  const waiting: ToLeader[] = []
  const stopped = new AbortController()
  let host: Host | undefined
  let onHello: () => void = () => undefined

  const post = (tab: string, body: Body<ToTab>, v = TAB_PROTOCOL): void => {
    const message = { v, leader, epoch, ...body } as ToTab
    if (tab === ownTab) toOwnTab(message)
    else tabs.get(tab)?.post(message)
  }

  /** Opens the way to a tab, and closes it when the tab's own lock tells that it is gone. */
  const meet = (tab: string): void => {
    if (tabs.has(tab)) return
    if (tab === ownTab) {
      tabs.set(tab, undefined)
      return
    }
    tabs.set(
      tab,
      openChannel(names.toTab(tab), () => undefined),
    )
    locks.acquire(names.tabLock + tab, stopped.signal).then(
      (release) => {
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
    onPaused(pausing.size > 0)
  }

  const leave = (tab: string): void => {
    setPaused(tab, false)
    tabs.get(tab)?.close()
    tabs.delete(tab)
    host?.dropTab(tab)
    onHello()
  }

  const handle = (message: ToLeader, to: Host): void => {
    const { from } = message
    switch (message.kind) {
      case 'hello':
        setPaused(from, message.paused)
        to.adopt(from, message)
        break
      case 'pause':
        setPaused(from, message.paused)
        break
      case 'calls':
        to.submit(from, message.batch, message.calls, message.again)
        break
      case 'signal':
        onSignal(message.signal)
        break
      case 'bye':
        leave(from)
    }
  }

  const receive = (message: ToLeader): void => {
    meet(message.from)
    if (message.v !== TAB_PROTOCOL) {
      post(message.from, { kind: 'incompatible' }, message.v)
      return
    }
    if (message.kind === 'hello') {
      post(message.from, { kind: 'welcome' })
      onHello()
    }
    if (host) handle(message, host)
    else waiting.push(message)
  }

  // What arrives here was posted by this library; its version is checked before its shape is relied on.
  const inbox = openChannel(names.toLeader, (message) => receive(message as ToLeader))
  const announcements = openChannel(names.announcements, () => undefined)

  const rollCall: LeaderDesk['rollCall'] = async () => {
    const held = await locks.held(names.tabLock)
    const living = held.map((name) => name.slice(names.tabLock.length)).filter((tab) => tab !== ownTab)
    for (const tab of living) meet(tab)
    announcements.post({ v: TAB_PROTOCOL, leader, epoch })
    const greeted = (tab: string): boolean => !tabs.has(tab) || waiting.some(({ from }) => from === tab)
    await new Promise<void>((resolve) => {
      const clear = clock.setTimer(ROLL_CALL_MS, resolve)
      onHello = () => {
        if (!living.every(greeted)) return
        clear()
        resolve()
      }
      onHello()
    })
    onHello = () => undefined
  }

  return {
    leader,
    epoch,
    receive,
    rollCall,
    open(opened) {
      host = opened
      for (const message of waiting.splice(0)) handle(message, opened)
    },
    deliver(tab, parcel) {
      post(tab, { kind: 'flush', ...parcel })
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
type Body<T> = T extends unknown ? Omit<T, 'v' | 'leader' | 'epoch'> : never

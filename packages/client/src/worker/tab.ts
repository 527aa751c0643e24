import type { Clock, SyncClient } from '@dustlayer/sync'
import type { Storage } from '../storage/ladder.js'
import type { OpenChannel } from '../tab/channel.js'
import type { Locks } from '../tab/locks.js'
import { createTabLink, type TabLink } from '../tab/tab-link.js'
import {
  type Announcement,
  instanceNames,
  type News,
  type PageSignal,
  TAB_PROTOCOL,
  type ToLeader,
  type ToTab,
} from '../tab/tab-protocol.js'
import { createHost } from './host.js'
import { createLeaderDesk } from './leader-desk.js'
import { createLeadership, type Reign } from './leadership.js'

/** All that a tab needs from the world. */
export interface TabEnvironment {
  readonly instance: string
  readonly locks: Locks
  readonly openChannel: OpenChannel
  readonly clock: Clock
  /** A new unique id for a tab or a leader. */
  randomId(): string
  /** Rejects when this tab can never lead. */
  readonly canLead: Promise<unknown>
  openStorage(): Promise<Storage>
  deviceId(): Promise<string>
  connect(deviceId: string): SyncClient
  /** Runs a function after the messages that are waiting now. */
  defer(run: () => void): void
  /** A signal of any tab's page, told to the leader. */
  onSignal(signal: PageSignal, sync: SyncClient): void
  onNews(news: News): void
  onLeading(leading: boolean): void
  /** This tab could not lead. Calls wait for another tab that can. */
  onProblem(error: unknown): void
}

/** One tab's presence in its instance: it follows whoever leads, and leads when its turn comes. */
export interface Tab {
  readonly calls: TabLink['calls']
  readonly signal: TabLink['signal']
  readonly pause: TabLink['pause']
  /** Takes part: says hello, and stands for leadership. */
  enter(): void
  /** Gives everything back that other tabs need. Calls wait for the next `enter`. */
  leave(): Promise<void>
  /** Leaves for good; what is open is answered with the error. */
  close(error: unknown): Promise<void>
}

export function createTab(env: TabEnvironment): Tab {
  const { instance, locks, openChannel, clock } = env
  const names = instanceNames(instance)
  const id = env.randomId()
  const link = createTabLink({ tab: id, onNews: env.onNews })
  let lastEpoch = 0
  let leaveNow: (() => Promise<void>) | undefined

  const follow = (leader: string, epoch: number, port: (message: ToLeader) => void): void => {
    lastEpoch = Math.max(lastEpoch, epoch)
    link.follow(leader, epoch, port)
  }

  const lead = async (): Promise<Reign> => {
    const epoch = Math.max(lastEpoch + 1, clock.now())
    const leader = env.randomId()
    const desk = createLeaderDesk({
      names,
      leader,
      epoch,
      ownTab: id,
      toOwnTab: link.receive,
      openChannel,
      locks,
      clock,
      onSignal: (signal) => sync && env.onSignal(signal, sync),
      onPaused: (paused) => (paused ? sync?.pause() : sync?.resume()),
    })
    let sync: SyncClient | undefined
    follow(leader, epoch, desk.receive)
    const opening = env.openStorage()
    try {
      const [storage, deviceId] = await Promise.all([opening, env.deviceId(), desk.rollCall()])
      sync = env.connect(deviceId)
      const host = createHost({
        storage,
        sync,
        deviceId,
        now: clock.now,
        defer: env.defer,
        deliver: desk.deliver,
      })
      desk.open(host)
      env.onLeading(true)
      return {
        async close() {
          env.onLeading(false)
          link.unfollow(desk.receive)
          await host.close()
          desk.close()
        },
      }
    } catch (error) {
      link.unfollow(desk.receive)
      desk.close()
      // The lock goes to another tab next, and the files must be free by then.
      await opening.then(
        (storage) => storage.close(),
        () => undefined,
      )
      throw error
    }
  }

  const enter = (): (() => Promise<void>) => {
    const gone = new AbortController()
    const presence = locks.acquire(names.tabLock + id, gone.signal)
    const leadership = createLeadership({ locks, lock: names.lock, lead, onFailure: cannotLead })
    const toLeader = openChannel(names.toLeader, () => undefined)
    // Posted by this library; the leader checks versions, and announcements have the same shape in all of them.
    const announcements = openChannel(names.announcements, (message) => {
      const { leader, epoch } = message as Announcement
      follow(leader, epoch, toLeader.post)
    })
    const inbox = openChannel(names.toTab(id), (message) => {
      const fromLeader = message as ToTab
      follow(fromLeader.leader, fromLeader.epoch, toLeader.post)
      link.receive(fromLeader)
    })
    presence.then(
      () =>
        toLeader.post({
          v: TAB_PROTOCOL,
          from: id,
          kind: 'hello',
          subscriptions: [],
          statusWatches: [],
          awaited: [],
          paused: link.paused,
        } satisfies ToLeader),
      // Left before it was granted.
      () => undefined,
    )
    env.canLead.then(() => !gone.signal.aborted && leadership.stand(), cannotLead)
    return async () => {
      gone.abort()
      await leadership.stepDown()
      for (const channel of [toLeader, announcements, inbox]) channel.close()
      // The leader forgets this tab now; the next hello, to the same leader perhaps, tells it everything again.
      link.unfollow(toLeader.post)
      const release = await presence.catch(() => undefined)
      release?.()
    }
  }

  const cannotLead = (error: unknown): void => {
    link.fail(error)
    env.onProblem(error)
  }

  const leave = async (): Promise<void> => {
    const leaving = leaveNow
    leaveNow = undefined
    await leaving?.()
  }

  return {
    calls: link.calls,
    signal: link.signal,
    pause: link.pause,
    enter() {
      leaveNow ??= enter()
    },
    leave,
    async close(error) {
      link.close(error)
      await leave()
    },
  }
}

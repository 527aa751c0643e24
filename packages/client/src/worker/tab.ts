import { DestroyedError, type DustError, UpdateNeededError } from '@dustlayer/protocol'
import type { Clock, SyncClient } from '@dustlayer/sync'
import type { Storage, StorageTerms } from '../storage/storage.js'
import type { OpenChannel } from '../tab/channel.js'
import type { Locks } from '../tab/locks.js'
import { createTabLink, type TabLink } from '../tab/tab-link.js'
import { type Build, type Hello, instanceNames, type News, type PageSignal } from '../tab/tab-protocol.js'
import { clearInstance } from './clear-instance.js'
import type { Epochs } from './epochs.js'
import { enterInstance, type Membership } from './membership.js'

/** All that a tab needs from the world. */
export interface TabEnvironment {
  readonly instance: string
  readonly build: Build
  readonly locks: Locks
  readonly openChannel: OpenChannel
  readonly clock: Clock
  readonly epochs: Epochs
  /** A new unique id for a tab or a leader. */
  randomId(): string
  /** Rejects when this tab can never lead. */
  readonly canLead: Promise<unknown>
  openStorage(terms: StorageTerms): Promise<Storage>
  /** Removes everything that the instance keeps on this device. */
  wipe(): Promise<void>
  /** What an earlier worker of the same page had registered. */
  readonly restored?: Hello | undefined
  /** How many writes of a store may wait for the server; the replica's own limit by default. */
  readonly maxPending?: number | undefined
  deviceId(): Promise<string>
  connect(deviceId: string): SyncClient
  /** Runs a function after the messages that are waiting now. */
  defer(run: () => void): void
  /** A signal of any tab's page, told to the leader. */
  onSignal(signal: PageSignal, sync: SyncClient): void
  onNews(news: News): void
  onLeading(leading: boolean): void
  /** This tab could not lead, or its leader cannot serve yet. Calls wait. */
  onProblem(error: unknown): void
  /** This worker is of no more use; another one of the same page must take its place. */
  onRestart(): void
  /** This tab has left for good: its data was removed, or a newer build has taken over. */
  onEnded(error: DustError): void
}

/** One tab's presence in its instance: it follows whoever leads, and leads when its turn comes. */
export interface Tab {
  readonly calls: TabLink['calls']
  readonly signal: TabLink['signal']
  readonly pause: TabLink['pause']
  readonly confirm: TabLink['confirm']
  /** Takes part: says hello, and stands for leadership. */
  enter(): void
  /** Gives everything back that other tabs need. Calls wait for the next `enter`. */
  leave(): Promise<void>
  /** Leaves for good; what is open is answered with the error. */
  close(error: unknown): Promise<void>
  /**
   * Removes the instance's data from this device, and ends all its tabs.
   * @throws UnavailableError when something could not be removed.
   */
  destroy(): Promise<void>
}

export function createTab(env: TabEnvironment): Tab {
  const { build } = env
  const names = instanceNames(env.instance)
  const id = env.randomId()
  const link = createTabLink({
    tab: id,
    build,
    restored: env.restored,
    onNews: env.onNews,
    onWaiting: env.onProblem,
    onRestart: env.onRestart,
  })
  let membership: Membership | undefined
  let ended = false

  const leave = async (): Promise<void> => {
    const leaving = membership
    membership = undefined
    await leaving?.leave()
  }

  /** Answers that a leader still owes to this tab come while it leaves. */
  const end = async (error: DustError): Promise<void> => {
    if (ended) return
    ended = true
    await leave()
    link.close(error)
    env.onEnded(error)
  }

  return {
    calls: link.calls,
    signal: link.signal,
    pause: link.pause,
    confirm: link.confirm,
    enter() {
      if (ended) return
      membership ??= enterInstance({
        env,
        names,
        id,
        link,
        onNewer: (newer) => void end(updateNeeded(newer, build)),
        onDestroyed: () => void end(destroyed()),
      })
    },
    leave,
    async close(error) {
      ended = true
      link.close(error)
      await leave()
    },
    async destroy() {
      ended = true
      link.close(destroyed())
      await leave()
      await clearInstance({ env, names })
    },
  }
}

function destroyed(): DustError {
  return new DestroyedError(
    'The local data of this instance has been removed. Create a new Dust with createDust() to start again.',
  )
}

function updateNeeded(newer: Build, own: Build): DustError {
  return new UpdateNeededError(
    'A newer version of this app runs in another tab and has taken over the local data. Reload this tab; writes that were not sent yet are kept.',
    { protocol: newer.v, schema: newer.schema, ownProtocol: own.v, ownSchema: own.schema },
  )
}

import { DestroyedError, type DustError, UpdateNeededError } from '@dustlayer/protocol'
import type { Clock, SyncClient } from '@dustlayer/sync'
import type { Storage, StorageTerms } from '../storage/storage.js'
import type { OpenChannel } from '../tab/channel.js'
import { instanceNames } from '../tab/instance-names.js'
import type { Locks } from '../tab/locks.js'
import type { News } from '../tab/news.js'
import { createTabLink, type TabLink } from '../tab/tab-link.js'
import type { Build, Hello, PageSignal } from '../tab/tab-protocol.js'
import { clearInstance } from './clear-instance.js'
import type { DeviceId } from './device-id.js'
import type { Epochs } from './epochs.js'
import { enterInstance, type Membership } from './membership.js'

/** All that a tab needs from the world. */
export interface TabEnvironment {
  readonly instance: string
  readonly build: Build
  /** May be served only by who keeps things on this device. */
  readonly persistent: boolean
  readonly locks: Locks
  readonly openChannel: OpenChannel
  readonly clock: Clock
  readonly epochs: Epochs
  /** A new unique id for a tab or a leader. */
  randomId(): string
  /** Loads what leading takes. Rejects when that is not possible now; called again, it is tried again. */
  prepareToLead(): Promise<unknown>
  openStorage(terms: StorageTerms): Promise<Storage>
  /** Removes everything that the instance keeps on this device. */
  wipe(): Promise<void>
  /** What an earlier worker of the same page had registered. */
  readonly restored?: Hello | undefined
  /** How many writes of a store may wait for the server; the replica's own limit by default. */
  readonly maxPending?: number | undefined
  /** Does what a new leader does first, so that it is quick when it matters. Called in tabs that follow. */
  rehearse(): Promise<void>
  /** Finds or makes the id of the instance's local copy; see `loadDeviceId`. */
  deviceId(goOnWith: string | null): Promise<DeviceId>
  /** The id that is kept now; see `findDeviceId`. */
  findDevice(): Promise<string | null | undefined>
  connect(deviceId: string): SyncClient
  /** Runs a function after the messages that are waiting now. */
  defer(run: () => void): void
  /** A signal of any tab's page, told to the leader. */
  onSignal(signal: PageSignal, sync: SyncClient): void
  onNews(news: News): void
  /** Which device's copy this tab shows from now on, for the worker that may take this one's place. */
  onDevice(device: string | null): void
  onLeading(leading: boolean): void
  /** Whether a leader serves this tab, and is heard of. Not, at first. */
  onServed(served: boolean): void
  /** This worker may answer nothing for so many milliseconds, although nothing is wrong with it; 0: no longer. */
  onBusy(forMs: number): void
  /** This tab could not lead, or its leader cannot serve yet. Calls wait. */
  onProblem(error: unknown): void
  /** This worker could not give its files back: they are free only once it has ended. */
  onUnclosed(error: unknown): void
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
  const link = createTabLink({
    build,
    restored: env.restored,
    persistent: env.persistent,
    onNews: env.onNews,
    onWaiting: env.onProblem,
    onServed: env.onServed,
    onDevice: env.onDevice,
    onRemoved: () => void end(destroyed()),
    onRestart: env.onRestart,
  })
  /** One at a time: what a tab has given back in part, it cannot take again. */
  let membership: Membership | undefined
  let leaving: Promise<void> | undefined
  let wanted = false
  let hidden = false
  let ended = false

  const enter = (): void => {
    if (!wanted || ended || membership || leaving) return
    membership = enterInstance({
      env,
      names,
      // The leader may not have forgotten yet who left a moment ago, so who comes back is somebody else to it.
      id: env.randomId(),
      link,
      hidden,
      onNewer: (newer) => void end(updateNeeded(newer, build)),
      onDestroyed: () => void end(destroyed()),
    })
  }

  const leave = (): Promise<void> => {
    wanted = false
    const present = membership
    if (!present) return leaving ?? Promise.resolve()
    membership = undefined
    leaving = present.leave().finally(() => {
      leaving = undefined
      enter()
    })
    return leaving
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
    signal(signal) {
      if (signal === 'hidden' || signal === 'visible') {
        hidden = signal === 'hidden'
        membership?.setHidden(hidden)
      }
      if (signal !== 'hidden') link.signal(signal)
    },
    pause: link.pause,
    confirm: link.confirm,
    enter() {
      wanted = true
      enter()
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
      wanted = false
      await leaving
      const present = membership
      membership = undefined
      const held = await present?.leaveWithLock()
      await clearInstance({ env, names, held })
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

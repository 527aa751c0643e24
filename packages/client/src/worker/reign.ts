import { type DustError, UnavailableError } from '@dustlayer/protocol'
import type { SyncClient } from '@dustlayer/sync'
import type { Storage, StorageFault } from '../storage/storage.js'
import type { TabLink } from '../tab/tab-link.js'
import type { Build, InstanceNames } from '../tab/tab-protocol.js'
import { createHost, type Host } from './host.js'
import { createLeaderDesk, type LeaderDesk } from './leader-desk.js'
import type { Reign } from './leadership.js'
import { createPulse } from './pulse.js'
import type { TabEnvironment } from './tab.js'

export interface ReignOptions {
  readonly env: TabEnvironment
  readonly names: InstanceNames
  readonly tab: string
  readonly link: TabLink
  readonly epoch: number
  /** Aborts when the tab must not lead any more. */
  readonly until: AbortSignal
  /** A tab of a newer build has come. */
  onNewer(newer: Build): void
  /** Tabs have followed a leader of that later epoch. */
  onLate(epoch: number): void
  /** The storage must be closed and opened again. */
  onFault(fault: StorageFault): void
}

/** Leads the instance: opens its storage and its connection, and serves all tabs. */
export async function beginReign(options: ReignOptions): Promise<Reign & Pick<LeaderDesk, 'restartTabs'>> {
  const { env, names, tab, link, epoch, until } = options
  const { clock, locks } = env
  let sync: SyncClient | undefined
  let host: Host | undefined
  const desk = createLeaderDesk({
    names,
    build: env.build,
    leader: env.randomId(),
    epoch,
    ownTab: tab,
    toOwnTab: link.receive,
    openChannel: env.openChannel,
    locks,
    clock,
    onSignal(signal) {
      if (signal === 'persisted') host?.storageChanged()
      else if (sync) env.onSignal(signal, sync)
    },
    onPaused: (paused) => (paused ? sync?.pause() : sync?.resume()),
    onNewer: options.onNewer,
    onLate: options.onLate,
  })
  const pulse = createPulse({ clock, beat: desk.beat, ask: () => locks.held(names.lock) })
  link.follow(desk.leader, epoch, desk.receive)
  const giveUp = new AbortController()
  const end = (): void => giveUp.abort()
  until.addEventListener('abort', end, { once: true })
  const opening = env.openStorage({
    epoch,
    signal: giveUp.signal,
    onWaiting: desk.waiting,
    onFault(fault) {
      host?.fallSilent()
      options.onFault(fault)
    },
  })

  const stop = (): void => {
    until.removeEventListener('abort', end)
    pulse.stop()
    link.unfollow(desk.receive)
  }

  try {
    const [storage, deviceId] = await Promise.all([
      opening,
      env.deviceId(),
      desk.rollCall(),
      env.epochs.save(epoch),
    ])
    until.throwIfAborted()
    const connection = env.connect(deviceId)
    sync = connection
    const opened = createHost({
      storage: fenced(storage, until),
      sync: connection,
      deviceId,
      clock,
      maxPending: env.maxPending,
      defer: env.defer,
      deliver: desk.deliver,
      doubt: pulse.doubt,
      until,
    })
    host = opened
    desk.open(opened)
    env.onLeading(true)
    return {
      restartTabs: desk.restartTabs,
      async close() {
        env.onLeading(false)
        stop()
        try {
          await opened.close()
        } finally {
          desk.close()
        }
      },
    }
  } catch (error) {
    stop()
    giveUp.abort()
    sync?.close()
    desk.close()
    // The lock goes to another tab next, and the files must be free by then.
    await opening.then(
      (storage) => storage.close(),
      () => undefined,
    )
    throw error
  }
}

/** Nothing is written by a leader that knows that it is none any more. */
function fenced(storage: Storage, until: AbortSignal): Storage {
  return {
    ...storage,
    async open(store) {
      const database = await storage.open(store)
      const { driver } = database
      const transaction: typeof driver.transaction = (body) => {
        if (until.aborted) throw deposed(store)
        return driver.transaction(body)
      }
      return { ...database, driver: { ...driver, transaction } }
    },
  }
}

function deposed(store: string): DustError {
  return new UnavailableError(`${store}: nothing was written, because another tab has taken over.`, { store })
}

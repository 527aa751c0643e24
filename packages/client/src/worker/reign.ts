import { type DustError, UnavailableError } from '@dustlayer/protocol'
import type { SyncClient } from '@dustlayer/sync'
import { withDeadline } from '../storage/deadline.js'
import type { Storage, StorageFault } from '../storage/storage.js'
import type { InstanceNames } from '../tab/instance-names.js'
import type { TabLink } from '../tab/tab-link.js'
import type { Build } from '../tab/tab-protocol.js'
import { BUSY_MS } from '../tab/vigil.js'
import { createBusy } from './busy.js'
import { createHost, type Host } from './host.js'
import { createLeaderDesk, type LeaderDesk } from './leader-desk.js'
import type { Reign } from './leadership.js'
import { createPostbox } from './postbox.js'
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
  /** The device id to go on with, should none be kept: the browser has removed it, and nobody else. */
  readonly device: string | null
  /** Tabs have followed a leader of that later epoch. */
  onLate(epoch: number): void
  /** The data that this tab has shown was removed. */
  onRemoved(): void
  /** The files could not be opened for long: somebody has them who does not lead. */
  onFilesHeld(): void
  /** The storage must be closed and opened again. */
  onFault(fault: StorageFault): void
}

/**
 * More than all the deadlines within. Who beats is not deposed, so a leader that cannot begin, because the browser does
 * not answer, must notice it itself.
 */
const OPENING_MS = 20_000

/** A worker that was deposed closes its files in less, if it can. */
const ASK_FOR_FILES_MS = 6_000

/** How long who has failed to open the storage keeps the lock until it is closed again. */
const CLOSING_MS = 5_000

/** As long as a browser may take to tell which locks are held: until then, news of a lost one has come. */
const ASKING_MS = 1_000

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
  const ask = (): Promise<unknown> =>
    withDeadline(locks.held(names.lock), ASKING_MS, clock, 'asking for the lock')
  const pulse = createPulse({ clock, beat: desk.beat, ask })
  const busy = createBusy({
    defer: env.defer,
    announce(is) {
      desk.setBusy(is)
      env.onBusy(is ? BUSY_MS : 0)
    },
  })
  link.follow(desk.leader, epoch, desk.receive)
  const giveUp = new AbortController()
  const end = (): void => giveUp.abort()
  until.addEventListener('abort', end, { once: true })
  let cancelOverdue = (): void => undefined
  let cancelAsking = (): void => undefined
  const askForFiles = (): void => {
    cancelAsking = clock.setTimer(ASK_FOR_FILES_MS, () => {
      desk.askForFiles()
      options.onFilesHeld()
      askForFiles()
    })
  }
  const overdue = new Promise<never>((_, reject) => {
    cancelOverdue = clock.setTimer(OPENING_MS, () => reject(neverOpened()))
  })
  // It is looked at only while the storage is being opened.
  overdue.catch(() => undefined)
  const opening = env.openStorage({
    epoch,
    signal: giveUp.signal,
    onWaiting(error) {
      // That may take as long as it takes: nobody else could have the files.
      cancelOverdue()
      desk.waiting(error)
      askForFiles()
    },
    onFault(fault) {
      host?.fallSilent()
      options.onFault(fault)
    },
  })

  const stop = (): void => {
    until.removeEventListener('abort', end)
    cancelOverdue()
    cancelAsking()
    pulse.stop()
    link.unfollow(desk.receive)
  }

  try {
    const ready = Promise.all([
      opening,
      env.deviceId(options.device),
      desk.rollCall(),
      env.epochs.save(epoch),
    ])
    const [storage, { id: deviceId, kept }] = await Promise.race([ready, overdue])
    cancelOverdue()
    cancelAsking()
    const device = kept ? deviceId : null
    if (device !== null && link.device !== null && device !== link.device) options.onRemoved()
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
      postbox: createPostbox({
        deliver: desk.deliver,
        foretell: desk.foretell,
        ownTab: tab,
        leader: desk.leader,
      }),
      doubt: pulse.doubt,
      busy,
      until,
    })
    host = opened
    desk.open(opened, device)
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
    const closed = opening.then((storage) => storage.close())
    await withDeadline(closed, CLOSING_MS, clock, 'closing the storage').catch(() => undefined)
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

function neverOpened(): DustError {
  return new UnavailableError(
    `The local database was not open after ${OPENING_MS / 1_000} s: the browser does not answer. Another tab tries; restarting the browser may help.`,
  )
}

function deposed(store: string): DustError {
  return new UnavailableError(`${store}: nothing was written, because another tab has taken over.`, { store })
}

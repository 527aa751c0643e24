import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClosedError } from '@dustlayer/protocol'
import type { SqliteDriver } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { type Clock, createSyncClient } from '@dustlayer/sync'
import {
  createFakeNetwork,
  createFakeStoreServer,
  createFakeTime,
  type FakeNetwork,
  type FakeStoreServer,
} from '@dustlayer/sync/testing'
import { createApi, type Dust } from '../create-dust.js'
import { connect } from '../page/connection.js'
import type { WorkerLink } from '../page/worker-link.js'
import { createLocalChannels, type OpenChannel } from '../tab/channel.js'
import { createLocalLocks, type Locks } from '../tab/locks.js'
import { createTab, type Tab } from '../worker/tab.js'

export const STORE = 'acme/app'

/** A tab of the world: page and worker in this process, everything between them real. */
export interface WorldTab {
  readonly dust: Dust
  readonly tab: Tab
  readonly leading: boolean
  /** What callbacks of the app threw. */
  readonly reported: readonly unknown[]
  /** The worker is gone from one moment to the next: no goodbye, its locks free, its files closed. */
  kill(): void
  /** From now on, nothing that this tab's worker posts arrives anywhere. */
  mute(): void
  /** While set, calls wait in the leader and do not run. */
  stalled: boolean
}

/** One origin with one server, in fake time: tabs come, lead, die, and the files stay. */
export interface TabWorld {
  readonly server: FakeStoreServer
  readonly network: FakeNetwork
  /** How many transactions the databases have committed. */
  readonly commits: number
  open(): WorldTab
  /** Lets time pass until the promise settles, and gives its outcome. */
  outcome<T>(promise: Promise<T>): Promise<T>
  /** Lets time pass until the condition holds. */
  until(condition: () => boolean): Promise<void>
  dispose(): void
}

/** Fake milliseconds after which a test has waited long enough. */
const PATIENCE_MS = 20_000

export function createTabWorld(): TabWorld {
  const directory = mkdtempSync(join(tmpdir(), 'dust-tabs-'))
  const time = createFakeTime()
  const server = createFakeStoreServer({ clock: time.clock(), store: STORE, dedup: true })
  const network = createFakeNetwork({ clock: time.clock(), handlers: server.handlers })
  const locks = createLocalLocks()
  const openChannel = createLocalChannels()
  const tabs: WorldTab[] = []
  let ids = 0
  let commits = 0

  const until = async (condition: () => boolean): Promise<void> => {
    for (let waited = 0; !condition(); waited++) {
      if (waited > PATIENCE_MS) throw new Error('The condition did not come true in time.')
      await new Promise(setImmediate)
      if (!condition()) time.advance(1)
    }
  }

  const openDriver = (store: string): SqliteDriver => {
    const driver = openBetterSqlite(join(directory, `${encodeURIComponent(store)}.db`))
    return {
      ...driver,
      transaction(body) {
        const result = driver.transaction(body)
        commits += 1
        return result
      },
    }
  }

  return {
    server,
    network,
    get commits() {
      return commits
    },
    open() {
      const tab = openTab({
        locks,
        openChannel,
        clock: time.clock(),
        network,
        randomId: () => `id${++ids}`,
        openDriver,
      })
      tabs.push(tab)
      return tab
    },
    async outcome(promise) {
      let settled = false
      const settle = (): void => {
        settled = true
      }
      promise.then(settle, settle)
      await until(() => settled)
      return promise
    },
    until,
    dispose() {
      for (const tab of tabs) tab.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

interface TabParts {
  readonly locks: Locks
  readonly openChannel: OpenChannel
  readonly clock: Clock
  readonly network: FakeNetwork
  randomId(): string
  openDriver(store: string): SqliteDriver
}

function openTab({ locks, openChannel, clock, network, randomId, openDriver }: TabParts): WorldTab {
  const endings: (() => void)[] = []
  const held = new Set<() => void>()
  const waiting: (() => void)[] = []
  const reported: unknown[] = []
  // Assigned by `openWorker`, which `connect` calls at once.
  let tab!: Tab
  let alive = true
  let muted = false
  let leading = false
  let stalled = false

  const mortal: TabParts['clock'] = {
    now: clock.now,
    setTimer: (ms, run) => clock.setTimer(ms, () => alive && run()),
  }
  const mortalLocks: Locks = {
    held: locks.held,
    async acquire(name, signal) {
      const release = await locks.acquire(name, signal)
      if (!alive) {
        release()
        return new Promise(() => undefined)
      }
      held.add(release)
      return () => {
        held.delete(release)
        release()
      }
    },
  }
  const mortalChannels: OpenChannel = (name, onMessage) => {
    const channel = openChannel(name, (message) => alive && onMessage(message))
    endings.push(channel.close)
    return { post: (message) => alive && !muted && channel.post(message), close: channel.close }
  }

  const dust = createApi(
    connect({
      openWorker({ onNotice }): WorkerLink {
        tab = createTab({
          instance: 'test',
          locks: mortalLocks,
          openChannel: mortalChannels,
          clock: mortal,
          randomId,
          canLead: Promise.resolve(),
          openStorage: async () => ({
            info: { kind: 'opfs', persisted: null },
            async open(store) {
              const driver = openDriver(store)
              endings.push(driver.close)
              return driver
            },
            close: async () => undefined,
          }),
          deviceId: async () => 'dev_1',
          connect(deviceId) {
            const sync = createSyncClient({
              url: 'ws://server/ws/sync',
              token: 'dust_tok_x',
              deviceId,
              transport: network.transport,
              clock: mortal,
              random: () => 0.5,
            })
            endings.unshift(sync.close)
            return sync
          },
          defer: (run) => queueMicrotask(() => (stalled ? waiting.push(run) : alive && run())),
          onSignal: (signal, sync) => (signal === 'reconnect' ? sync.reconnect() : sync.probe()),
          onNews: (news) => alive && onNotice({ kind: 'news', news }),
          onLeading(now) {
            leading = now
            onNotice({ kind: 'leading', leading: now })
          },
          onProblem: (error) => reported.push(error),
        })
        tab.enter()
        const own = tab
        return {
          calls: async (batch) => structuredClone(await own.calls(structuredClone(batch))),
          signal: own.signal,
          pause: own.pause,
          suspend: () => void own.leave(),
          resume: own.enter,
          close: () => own.close(new ClosedError('closed')),
        }
      },
      watchPage: () => () => undefined,
      now: clock.now,
      report: (error) => reported.push(error),
    }),
  )
  return {
    dust,
    get tab() {
      return tab
    },
    get leading() {
      return leading
    },
    reported,
    get stalled() {
      return stalled
    },
    set stalled(now) {
      stalled = now
      if (!now) for (const run of waiting.splice(0)) run()
    },
    mute() {
      muted = true
    },
    kill() {
      if (!alive) return
      alive = false
      for (const end of endings.splice(0)) end()
      for (const release of held) release()
      held.clear()
    },
  }
}

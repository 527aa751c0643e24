import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExtensionName, type Frame, UnavailableError } from '@dustlayer/protocol'
import type { SqliteDriver } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import type { Clock } from '@dustlayer/sync'
import {
  createFakeNetwork,
  createFakeStoreServer,
  createFakeTime,
  type FakeNetwork,
  type FakeStoreServer,
} from '@dustlayer/sync/testing'
import { createApi, type Dust } from '../create-dust.js'
import { connect } from '../page/connection.js'
import type { LifecycleHandlers } from '../page/lifecycle.js'
import { createRecall } from '../page/recall.js'
import type { WorkerHandlers } from '../page/worker-link.js'
import { createLocalChannels, type OpenChannel } from '../tab/channel.js'
import { createLocalLocks } from '../tab/locks.js'
import type { Build } from '../tab/tab-protocol.js'
import type { Tab } from '../worker/tab.js'
import { createGate, type Holds, withHolds } from './holds.js'
import { smallStorage } from './small-storage.js'
import {
  type Clinging,
  createWorldWorker,
  type Obstacles,
  type WorldBrowser,
  type WorldWorker,
} from './world-worker.js'

export const STORE = 'acme/app'

/** A tab of the world: page and worker in this process, everything between them real. */
export interface WorldTab extends Holds {
  readonly dust: Dust
  readonly tab: Tab
  readonly leading: boolean
  /** What callbacks of the app threw. */
  readonly reported: readonly unknown[]
  /** Why the tab has ended by itself. */
  readonly ends: readonly unknown[]
  /** The page and its worker are gone from one moment to the next: no goodbye, locks free, files closed. */
  kill(): void
  /** The worker is gone so, and the page learns of it. */
  crash(): void
  /** What this tab's worker has open cannot be used on. */
  breakStorage: WorldWorker['breakStorage']
  /** From now on, nothing that this tab's worker posts arrives anywhere. */
  mute(): void
  /** The same, from the next moment on at which its database has committed something. */
  muteAtCommit(): void
  /** While set, this tab's worker cannot close its storage, and keeps the files for as long as it lives. */
  clinging: Clinging
  /** While set, nothing runs in the page either: the browser has frozen the tab, or the machine sleeps. */
  asleep: boolean
  /** How many messages wait for a frozen tab. */
  readonly thawing: number
  /** This tab's worker has the database files open. */
  readonly ownsFiles: boolean
  /** Whether nobody sees the page. */
  hidden: boolean
  /** The page goes into the back/forward cache, and comes back. */
  suspend(): void
  resume(): void
}

/** One origin with one server, in fake time: tabs come, lead, die, and the files stay. */
export interface TabWorld {
  readonly server: FakeStoreServer
  readonly network: FakeNetwork
  /** What the server has received, in order. */
  readonly frames: readonly Frame[]
  /** How many transactions the databases have committed. */
  readonly commits: number
  /** How many times tabs have rehearsed to lead. */
  readonly rehearsals: number
  /** Writes by workers that had not the files. */
  readonly violations: readonly string[]
  /** For all browsers of the world. */
  readonly obstacles: Obstacles
  /** A tab in the browser of that device; devices share nothing but the server. */
  open(device?: string, build?: Partial<Build>, options?: { readonly persistent?: boolean }): WorldTab
  /** Whether storage that is opened in that browser from now on outlives the tabs; it does by default. */
  setPersistent(persistent: boolean, device?: string): void
  /** What is in use in that browser. */
  resources(device?: string): Promise<{ channels: number; locks: readonly string[]; timers: number }>
  /** Lets time pass until the promise settles, and gives its outcome. @throws Error after so many milliseconds. */
  outcome<T>(promise: Promise<T>, patienceMs?: number): Promise<T>
  /** Lets time pass until the condition holds. */
  until(condition: () => boolean): Promise<void>
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>
  /** Fake epoch ms. */
  now(): number
  /** Sets the browsers' clocks back. */
  setBack(ms: number): void
  dispose(): void
}

/** Fake milliseconds after which a test has waited long enough. */
const PATIENCE_MS = 20_000

export interface TabWorldOptions {
  /** What the server can do beyond the common protocol; nothing by default. */
  readonly extensions?: readonly ExtensionName[]
  readonly maxPending?: number
  /** How many milliseconds a message between workers, a lock or the freeing of files takes; nothing by default. */
  latency?(): number
}

export function createTabWorld(options: TabWorldOptions = {}): TabWorld {
  const { extensions = [], maxPending, latency = () => 0 } = options
  const directory = mkdtempSync(join(tmpdir(), 'dust-tabs-'))
  const time = createFakeTime()
  const server = createFakeStoreServer({ clock: time.clock(), store: STORE, dedup: true, extensions })
  const frames: Frame[] = []
  const network = createFakeNetwork({
    clock: time.clock(),
    handlers: {
      ...server.handlers,
      frame(peer, frame) {
        frames.push(frame)
        server.handlers.frame?.(peer, frame)
      },
    },
  })
  const clock = time.clock()
  const browsers = new Map<string, WorldBrowser & { readonly channels: number }>()
  const tabs: WorldTab[] = []
  let ids = 0
  let commits = 0
  const violations: string[] = []
  let behind = 0
  const obstacles: Obstacles = { noWasm: false, failedOpenings: 0 }

  const until = async (condition: () => boolean, patienceMs = PATIENCE_MS): Promise<void> => {
    for (let waited = 0; !condition(); waited++) {
      if (waited > patienceMs) throw new Error('The condition did not come true in time.')
      await new Promise(setImmediate)
      if (!condition()) time.advance(1)
    }
  }

  const openDriver = (directory: string, store: string): SqliteDriver => {
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

  const browserOf = (device: string): WorldBrowser & { readonly channels: number } => {
    const existing = browsers.get(device)
    if (existing) return existing
    const files = join(directory, encodeURIComponent(device))
    mkdirSync(files)
    const openChannel = createLocalChannels()
    let channels = 0
    let copies = 0
    const browser = {
      device,
      persistent: true,
      locks: createLocalLocks(),
      openChannel: counted(openChannel, (change) => {
        channels += change
      }),
      get channels() {
        return channels
      },
      owner: undefined,
      epoch: 0,
      behind: () => behind,
      copy: undefined as string | undefined,
      obstacles,
      nextCopy: () => (copies++ === 0 ? device : `${device}_${copies}`),
      rehearsals: 0,
      latency,
      onViolation: (what: string) => void violations.push(what),
      stores: () =>
        readdirSync(files).flatMap((file) =>
          file.endsWith('.db') ? [decodeURIComponent(file.slice(0, -3))] : [],
        ),
      openDriver: (store: string) => openDriver(files, store),
      small: new Map<string, unknown>(),
      wipe() {
        browser.copy = undefined
        browser.small.clear()
        for (const file of readdirSync(files)) rmSync(join(files, file))
      },
    }
    browsers.set(device, browser)
    return browser
  }

  return {
    server,
    network,
    get commits() {
      return commits
    },
    get rehearsals() {
      return [...browsers.values()].reduce((sum, { rehearsals }) => sum + rehearsals, 0)
    },
    violations,
    obstacles,
    frames,
    setPersistent(persistent, device = 'dev_1') {
      browserOf(device).persistent = persistent
    },
    open(device = 'dev_1', build = {}, { persistent = false } = {}) {
      const tab = openTab({
        browser: browserOf(device),
        maxPending,
        persistent,
        clock,
        network,
        build: { v: 1, schema: 1, ...build },
        randomId: () => `id${++ids}`,
      })
      tabs.push(tab)
      return tab
    },
    async resources(device = 'dev_1') {
      const { channels, locks } = browserOf(device)
      return { channels, locks: (await locks.held('')) ?? [], timers: clock.pending }
    },
    async outcome(promise, patienceMs) {
      let settled = false
      const settle = (): void => {
        settled = true
      }
      promise.then(settle, settle)
      await until(() => settled, patienceMs)
      return promise
    },
    until: (condition) => until(condition),
    async pass(ms) {
      for (let passed = 0; passed < ms; passed++) {
        await new Promise(setImmediate)
        time.advance(1)
      }
    },
    now: () => time.clock().now(),
    setBack(ms) {
      behind += ms
    },
    dispose() {
      for (const tab of tabs) tab.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Tells of each end that is opened (1) and closed (-1). */
function counted(openChannel: OpenChannel, onChange: (change: number) => void): OpenChannel {
  return (name, onMessage) => {
    const channel = openChannel(name, onMessage)
    let open = true
    onChange(1)
    return {
      post: channel.post,
      close() {
        if (open) onChange(-1)
        open = false
        channel.close()
      },
    }
  }
}

interface TabParts {
  readonly browser: WorldBrowser
  readonly clock: Clock
  readonly network: FakeNetwork
  readonly build: Build
  readonly maxPending: number | undefined
  readonly persistent: boolean
  randomId(): string
}

function openTab({ browser, clock, network, build, maxPending, persistent, randomId }: TabParts): WorldTab {
  const reported: unknown[] = []
  const ends: unknown[] = []
  // Assigned by `openWorker`, which `connect` calls at once.
  let worker!: WorldWorker
  let handlers!: WorkerHandlers
  // Assigned by `watchPage`, likewise.
  let page!: LifecycleHandlers
  let leading = false
  let hidden = false
  let asleep = false
  let gone = false
  const awake = createGate(() => !asleep && !gone)

  const dust = createApi(
    connect({
      openWorker(given, restored) {
        handlers = given
        worker = createWorldWorker({
          browser,
          clock,
          transport: network.transport,
          build,
          maxPending,
          persistent,
          handlers,
          restored,
          randomId,
          onLeading(now) {
            leading = now
          },
        })
        handlers.onStarted()
        return worker.link
      },
      recall: createRecall({
        storage: smallStorage(browser.small),
        instance: 'test',
        now: clock.now,
        whenIdle: (run) => void clock.setTimer(10, () => awake.pass(run)),
        ended: () => undefined,
      }),
      watchPage(given) {
        page = given
        return () => undefined
      },
      onEnded: (error) => ends.push(error),
      setTimer(ms, run) {
        let cancelled = false
        const cancel = clock.setTimer(ms, () => awake.pass(() => !cancelled && run()))
        return () => {
          cancelled = true
          cancel()
        }
      },
      now: clock.now,
      random: () => 0.5,
      report: (error) => reported.push(error),
    }),
  )
  const tab: Omit<WorldTab, keyof Holds> = {
    dust,
    get tab() {
      return worker.tab
    },
    get leading() {
      return leading
    },
    reported,
    ends,
    get clinging() {
      return worker.clinging
    },
    set clinging(now) {
      worker.clinging = now
    },
    get asleep() {
      return asleep
    },
    set asleep(now) {
      asleep = now
      worker.holds.hung.on = now
      if (!now) awake.release()
    },
    get thawing() {
      return worker.holds.frozen.waiting
    },
    get ownsFiles() {
      return worker.ownsFiles
    },
    get hidden() {
      return hidden
    },
    set hidden(now) {
      hidden = now
      page.signal(now ? 'hidden' : 'visible')
    },
    suspend: () => page.suspend(),
    resume: () => page.resume(),
    mute: () => worker.mute(),
    muteAtCommit: () => worker.muteAtCommit(),
    breakStorage: (kind) => worker.breakStorage(kind),
    kill() {
      gone = true
      worker.kill()
    },
    crash() {
      worker.kill()
      leading = false
      handlers.onFailure(new UnavailableError('It crashed.'))
    },
  }
  return withHolds(tab, () => worker.holds)
}

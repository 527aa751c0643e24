import { ClosedError, errorToData, UnavailableError } from '@dustlayer/protocol'
import type { SqliteDriver } from '@dustlayer/replica'
import { type Clock, createSyncClient, type SyncClient, type Transport } from '@dustlayer/sync'
import type { WorkerHandlers, WorkerLink } from '../page/worker-link.js'
import type { Storage, StorageFault, StorageTerms } from '../storage/storage.js'
import type { Channel, OpenChannel } from '../tab/channel.js'
import type { HeldLock, Locks } from '../tab/locks.js'
import type { Build, Hello } from '../tab/tab-protocol.js'
import { createTab, type Tab } from '../worker/tab.js'
import { createHolds, type HoldSwitches } from './holds.js'

/** What all tabs of one browser share, and what it keeps. */
export interface WorldBrowser {
  readonly device: string
  /** Whether storage that is opened now outlives the tabs. */
  persistent: boolean
  readonly locks: Locks
  readonly openChannel: OpenChannel
  /** The worker that has the database files open: there is never a second one. */
  owner: symbol | undefined
  /** The number of the last leader. */
  epoch: number
  /** The device id of the local copy, while there is one. */
  copy: string | undefined
  nextCopy(): string
  readonly obstacles: Obstacles
  /** By how many milliseconds its clock was set back. */
  behind(): number
  /** How many times a tab has rehearsed to lead. */
  rehearsals: number
  /** How many milliseconds what goes from one worker to another, to the lock manager or to the disk takes now. */
  latency(): number
  /** A worker wrote that had not the files, or had them no more. */
  onViolation(what: string): void
  /** Stores that have a database. */
  stores(): readonly string[]
  openDriver(store: string): SqliteDriver
  /** Small storage, as in IndexedDB. */
  readonly small: Map<string, unknown>
  wipe(): void
}

/** What stands in the way of tabs that want to lead. */
export interface Obstacles {
  /** The wasm cannot be loaded. */
  noWasm: boolean
  /** So many more times, the storage cannot be opened. */
  failedOpenings: number
}

export interface WorldWorkerOptions {
  readonly browser: WorldBrowser
  readonly clock: Clock
  readonly transport: Transport
  readonly build: Build
  readonly maxPending: number | undefined
  /** May be served only by who keeps things on this device. */
  readonly persistent: boolean
  readonly handlers: WorkerHandlers
  readonly restored: Hello | undefined
  randomId(): string
  onLeading(leading: boolean): void
}

/** A tab's worker, in this process. */
export interface WorldWorker {
  readonly link: WorkerLink
  readonly tab: Tab
  /** It is gone from one moment to the next: no goodbye, its locks free, its files closed. */
  kill(): void
  mute(): void
  muteAtCommit(): void
  /** What this worker has open cannot be used on. */
  breakStorage(kind: StorageFault['kind']): void
  /** It has the database files open. */
  readonly ownsFiles: boolean
  readonly holds: HoldSwitches
  /** How closing its storage ends, if not well. */
  clinging: Clinging
}

/** `leaks`: it seems to be closed. */
export type Clinging = 'fails' | 'hangs' | 'leaks' | undefined

const WIPE_PATIENCE_MS = 20_000

/** As in `startWorker`. */
const CLOSE_DEADLINE_MS = 5_000

/** What takes a while, and arrives in the order in which it was sent. */
function createLine(later: (run: () => void) => void): (arrive: () => void) => void {
  const waiting: { readonly arrive: () => void; due: boolean }[] = []
  return (arrive) => {
    const one = { arrive, due: false }
    waiting.push(one)
    later(() => {
      one.due = true
      while (waiting[0]?.due) waiting.shift()?.arrive()
    })
  }
}

export function createWorldWorker(options: WorldWorkerOptions): WorldWorker {
  const { browser, clock, transport, build, maxPending, persistent, handlers, restored, randomId } = options
  const self = Symbol('worker')
  const endings: (() => void)[] = []
  const held = new Set<HeldLock>()
  let alive = true
  let muted = false
  /** With the next commit. */
  let muting = false
  let clinging: Clinging
  const holds = createHolds()

  const whileAlive = (run: () => void): void => {
    if (alive) holds.hung.pass(() => alive && run())
  }

  const later = (run: () => void): void => {
    const ms = browser.latency()
    if (ms === 0) run()
    else clock.setTimer(ms, run)
  }

  /** A promise of the world outside, whose outcome a worker that hangs does not see. */
  const seen = <T>(promise: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      promise.then(
        (value) => later(() => whileAlive(() => resolve(value))),
        (error: unknown) => later(() => whileAlive(() => reject(error))),
      )
    })

  const ownClock: Clock = {
    now: () => clock.now() - browser.behind(),
    setTimer: (ms, run) => {
      let cancelled = false
      const cancel = clock.setTimer(ms, () => whileAlive(() => !cancelled && run()))
      return () => {
        cancelled = true
        cancel()
      }
    },
  }

  const own = (lock: HeldLock): HeldLock => {
    if (!alive) {
      lock.release()
      return lock
    }
    held.add(lock)
    const lost = new AbortController()
    lock.lost.addEventListener('abort', () => later(() => whileAlive(() => lost.abort(lock.lost.reason))))
    return {
      lost: lost.signal,
      release() {
        held.delete(lock)
        lock.release()
      },
    }
  }
  const ownLocks: Locks = {
    async held(prefix) {
      await new Promise<void>((resolve) => holds.deaf.pass(resolve))
      return seen(browser.locks.held(prefix))
    },
    acquire: (name, signal) => seen(browser.locks.acquire(name, signal).then(own)),
    steal: (name) => seen(browser.locks.steal(name).then(own)),
    tryAcquire: (name) => seen(browser.locks.tryAcquire(name).then((lock) => lock && own(lock))),
  }
  const openChannel: OpenChannel = (name, onMessage): Channel => {
    let open = true
    const arrive = createLine(later)
    const channel = browser.openChannel(name, (message) =>
      arrive(() => whileAlive(() => holds.frozen.pass(() => alive && open && onMessage(message)))),
    )
    const close = (): void => {
      open = false
      channel.close()
    }
    endings.push(close)
    return { post: (message) => alive && !muted && channel.post(message), close }
  }
  const ownTransport: Transport = {
    ...transport,
    connect: (url, { open, message, close }) =>
      transport.connect(url, {
        open: () => whileAlive(open),
        message: (data) => whileAlive(() => message(data)),
        close: (event) => whileAlive(() => close(event)),
      }),
  }

  const freeFiles = (): void => {
    if (browser.owner === self) browser.owner = undefined
  }
  // The browser frees the locks of a worker first.
  endings.push(() => later(freeFiles))

  /** As the OPFS rung: who holds the files is waited for. */
  const untilFree = async ({ signal, onWaiting }: StorageTerms): Promise<void> => {
    for (let waited = 0; browser.owner !== undefined; waited += 20) {
      signal.throwIfAborted()
      if (waited === 1_000) onWaiting(new UnavailableError('Another page still has the files open.'))
      await new Promise<void>((resolve) => ownClock.setTimer(20, resolve))
    }
    signal.throwIfAborted()
    // The dead take nothing.
    if (!alive) return new Promise(() => undefined)
    browser.owner = self
  }

  let onFault: StorageTerms['onFault'] = () => undefined

  const openStorage = async (terms: StorageTerms): Promise<Storage> => {
    onFault = terms.onFault
    await new Promise<void>((resolve) => holds.stuck.pass(resolve))
    if (browser.obstacles.failedOpenings-- > 0) throw new UnavailableError('The disk is busy.')
    await untilFree(terms)
    return {
      persistent: browser.persistent,
      stores: browser.stores,
      async open(store) {
        if (!alive) return new Promise(() => undefined)
        const driver = guarded(browser.openDriver(store))
        endings.push(driver.close)
        return {
          driver,
          info: () => ({ kind: 'opfs', persisted: null }),
          durable: () => null,
          makeRoom: () => false,
          noRoom: () => undefined,
          explain: async (error) => (error instanceof Error ? error : new Error(String(error))),
          complete: () => undefined,
          condemn: () => undefined,
          preciousChanged: () => undefined,
        }
      },
      refresh: async () => undefined,
      async close() {
        // Files take a while to be given back.
        await new Promise((resolve) => setImmediate(resolve))
        if (clinging === 'fails') throw new UnavailableError('A file cannot be closed.')
        if (clinging === 'hangs') await new Promise(() => undefined)
        if (clinging !== 'leaks') freeFiles()
      },
    }
  }

  const guarded = (driver: SqliteDriver): SqliteDriver => ({
    ...driver,
    transaction(body) {
      if (browser.owner !== self) browser.onViolation('A worker wrote to files that it does not have.')
      const result = driver.transaction(body)
      muted ||= muting
      return result
    },
  })

  const connect = (deviceId: string): SyncClient => {
    const sync = createSyncClient({
      url: 'ws://server/ws/sync',
      token: 'dust_tok_x',
      deviceId,
      transport: ownTransport,
      clock: ownClock,
      random: () => 0.5,
    })
    endings.unshift(sync.close)
    return sync
  }

  const tab = createTab({
    instance: 'test',
    build,
    locks: ownLocks,
    openChannel,
    clock: ownClock,
    epochs: {
      last: seen(Promise.resolve(browser.epoch)),
      async save(epoch) {
        browser.epoch = Math.max(browser.epoch, epoch)
      },
    },
    maxPending,
    restored,
    persistent,
    randomId,
    async prepareToLead() {
      if (browser.obstacles.noWasm) throw new UnavailableError('SQLite could not be loaded.')
    },
    async rehearse() {
      browser.rehearsals += 1
    },
    openStorage,
    async wipe() {
      // As the real one, while somebody has the files.
      for (let waited = 0; browser.owner !== undefined && waited < WIPE_PATIENCE_MS; waited += 20) {
        await new Promise<void>((resolve) => ownClock.setTimer(20, resolve))
      }
      browser.wipe()
    },
    async deviceId(goOnWith) {
      browser.copy ??= goOnWith ?? browser.nextCopy()
      return { id: browser.copy, kept: true }
    },
    findDevice: () => seen(Promise.resolve(browser.copy ?? null)),
    connect,
    defer: (run) => queueMicrotask(() => whileAlive(() => holds.stalled.pass(() => whileAlive(run)))),
    onSignal: (signal, sync) => (signal === 'reconnect' ? sync.reconnect() : sync.probe()),
    onNews: (news) =>
      whileAlive(() =>
        holds.frozen.pass(() => alive && handlers.onNotice({ kind: 'news', news: structuredClone(news) })),
      ),
    onDevice: (device) => whileAlive(() => handlers.onNotice({ kind: 'device', device })),
    onLeading(leading) {
      if (!alive) return
      options.onLeading(leading)
      handlers.onNotice({ kind: 'leading', leading })
    },
    onServed: (served) => whileAlive(() => handlers.onNotice({ kind: 'served', served })),
    onBusy: (forMs) => alive && handlers.onNotice({ kind: 'busy', forMs }),
    onProblem: (error) => handlers.onNotice({ kind: 'problem', error: errorToData(error) }),
    onUnclosed: (error) =>
      whileAlive(() => handlers.onNotice({ kind: 'unclosed', error: errorToData(error) })),
    onRestart: () => handlers.onNotice({ kind: 'restart' }),
    onEnded: (error) => handlers.onNotice({ kind: 'ended', error: errorToData(error) }),
  })
  tab.enter()

  /** A call of the page, which arrives when the worker runs. */
  const called = <T>(run: () => T | Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      whileAlive(() => Promise.resolve(run()).then(resolve, reject))
    })

  const kill = (): void => {
    if (!alive) return
    alive = false
    for (const end of endings.splice(0)) end()
    for (const lock of [...held]) lock.release()
    held.clear()
  }

  return {
    tab,
    breakStorage(kind) {
      if (kind === 'evicted') browser.copy = undefined
      onFault({ kind, error: new UnavailableError('The storage is broken.') })
    },
    link: {
      calls: async (batch, again) =>
        structuredClone(await called(() => tab.calls(structuredClone(batch), again))),
      signal: (signal) => whileAlive(() => tab.signal(signal)),
      wait: (ms) => new Promise((resolve) => ownClock.setTimer(ms, resolve)),
      pause: (paused) => whileAlive(() => tab.pause(paused)),
      confirm: (receipt) => whileAlive(() => tab.confirm(structuredClone(receipt))),
      ping: () => called(() => undefined),
      suspend: () => called(tab.leave),
      resume: () => whileAlive(tab.enter),
      async close() {
        if (!alive) return
        await new Promise<void>((resolve) => {
          const done = (): void => {
            cancel()
            resolve()
          }
          const cancel = clock.setTimer(CLOSE_DEADLINE_MS, done)
          called(() => tab.close(new ClosedError('closed'))).then(done, done)
        })
        kill()
      },
      terminate: kill,
      destroy: () => called(tab.destroy),
    },
    kill,
    get ownsFiles() {
      return browser.owner === self
    },
    mute() {
      muted = true
    },
    muteAtCommit() {
      muting = true
    },
    holds,
    get clinging() {
      return clinging
    },
    set clinging(now) {
      clinging = now
    },
  }
}

import { ClosedError, errorToData } from '@dustlayer/protocol'
import { SCHEMA_VERSION, type SqliteDriver } from '@dustlayer/replica'
import {
  createClock,
  createSyncClient,
  createWebSocketTransport,
  type IssuedToken,
  type WebSocketTransportOptions,
} from '@dustlayer/sync'
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import { expose } from 'comlink'
import { holdLife } from '../page/worker-life.js'
import type { Notice, WorkerApi, WorkerConfig } from '../page/worker-protocol.js'
import { randomId } from '../random-id.js'
import { createIoErrors } from '../storage/io-errors.js'
import { createStorageOpener } from '../storage/open-storage.js'
import { createSqliteLoader, loadSqlite } from '../storage/sqlite-module.js'
import { createWasmDriver } from '../storage/wasm-driver.js'
import { findCompany } from '../tab/company.js'
import type { Receipt } from '../tab/news.js'
import { type Hello, TAB_PROTOCOL } from '../tab/tab-protocol.js'
import { findDeviceId, loadDeviceId } from './device-id.js'
import { createEpochs } from './epochs.js'
import { createBrowserNetwork } from './network.js'
import { createRehearsal } from './rehearsal.js'
import { createTab, type Tab } from './tab.js'
import { wipe } from './wipe.js'

const clock = createClock({ setTimeout, clearTimeout, now: Date.now, monotonic: () => performance.now() })

/** After a hand-over, what the tabs have waited for comes first. */
const VERIFY_AFTER_MS = 10_000

/** The DOM types exclude views of shared memory from what a socket sends; encoded frames never are such. */
const WebSocketForSync = WebSocket as WebSocketTransportOptions['WebSocket']

async function startTab(
  config: WorkerConfig,
  notices: MessagePort,
  getToken: () => Promise<IssuedToken | null>,
  restored: Hello | undefined,
): Promise<Tab> {
  const { instance, url, format } = config
  const ioErrors = createIoErrors()
  // Turbopack gives a path without an origin, and before Next.js 16.2 a worker whose own blob: address is no base for it.
  const besideThis = new URL(new URL('./sqlite3.wasm', import.meta.url).href, location.origin)
  const wasmUrl = config.wasmUrl ?? besideThis.href
  const sqlite = createSqliteLoader(() => loadSqlite(wasmUrl, ioErrors.note))
  // Before anything else: the wasm takes longest, and does not depend on who leads. Who needs it learns why it fails.
  sqlite().catch(() => undefined)
  const { locks, openChannel, alone } = await findCompany(globalThis)
  const network = createBrowserNetwork()
  const notify = (notice: Notice): void => notices.postMessage(notice)

  return createTab({
    instance,
    build: { v: TAB_PROTOCOL, schema: SCHEMA_VERSION },
    restored,
    persistent: config.storage === 'require-persistent',
    epochs: createEpochs(instance, clock),
    wipe: () => wipe({ instance, clock, random: Math.random }),
    locks,
    openChannel,
    clock,
    randomId: () => randomId('tab_'),
    prepareToLead: sqlite,
    rehearse: createRehearsal({ openDriver: async () => openInMemory(await sqlite()), clock }),
    openStorage: createStorageOpener({
      sqlite,
      ioErrors,
      instance,
      mode: config.storage,
      alone,
      clock,
      random: Math.random,
      newId: () => randomId(''),
    }),
    deviceId: (goOnWith) => loadDeviceId(instance, clock, goOnWith),
    findDevice: () => findDeviceId(instance, clock),
    connect: (deviceId) =>
      createSyncClient({
        url,
        token: getToken,
        deviceId,
        format,
        transport: createWebSocketTransport({ WebSocket: WebSocketForSync, fetch: askWhy }),
        clock,
        random: Math.random,
        network,
        verifyAfterMs: VERIFY_AFTER_MS,
        // What stands in the way is in the status; this is for whoever develops the app.
        onProblem: (problem) => console.error(problem),
      }),
    defer: createDefer(),
    onSignal: network.signal,
    onNews: (news) => notify({ kind: 'news', news }),
    onDevice: (device) => notify({ kind: 'device', device }),
    onLeading: (leading) => notify({ kind: 'leading', leading }),
    onServed: (served) => notify({ kind: 'served', served }),
    onBusy: (forMs) => notify({ kind: 'busy', forMs }),
    onProblem: (error) => notify({ kind: 'problem', error: errorToData(error) }),
    onUnclosed: (error) => notify({ kind: 'unclosed', error: errorToData(error) }),
    onRestart: () => notify({ kind: 'restart' }),
    onEnded: (error) => notify({ kind: 'ended', error: errorToData(error) }),
  })
}

function openInMemory(sqlite3: Sqlite3Static): SqliteDriver {
  return createWasmDriver(sqlite3, new sqlite3.oo1.DB(':memory:'))
}

/** Why a handshake failed. A redirection is not followed: a captive portal would answer in the server's name. */
function askWhy(url: string): Promise<Response> {
  return fetch(url, { redirect: 'manual', cache: 'no-store' })
}

/** A message to oneself queues behind the messages of other tabs; a timer would be clamped to milliseconds. */
function createDefer(): (run: () => void) => void {
  const { port1, port2 } = new MessageChannel()
  const queue: (() => void)[] = []
  port1.onmessage = () => queue.shift()?.()
  return (run) => {
    queue.push(run)
    port2.postMessage(null)
  }
}

function createApi(): WorkerApi {
  let tab: Promise<Tab> = Promise.reject(new ClosedError('The worker has not been started.'))
  tab.catch(() => undefined)
  return {
    async start(config, life, notices, getToken, restored) {
      tab = startTab(config, notices, getToken, restored)
      notices.onmessage = async ({ data }: MessageEvent<Receipt>) => (await tab).confirm(data)
      const started = await tab
      started.enter()
      return holdLife(life)
    },
    calls: async (batch, again) => (await tab).calls(batch, again),
    signal: async (signal) => (await tab).signal(signal),
    wait: (ms) => new Promise((resolve) => void clock.setTimer(ms, resolve)),
    ping: () => undefined,
    pause: async (paused) => (await tab).pause(paused),
    suspend: async () => (await tab).leave(),
    resume: async () => (await tab).enter(),
    close: async () => (await tab).close(new ClosedError('This Dust has been closed.')),
    destroy: async () => (await tab).destroy().then(() => undefined, errorToData),
  }
}

expose(createApi())

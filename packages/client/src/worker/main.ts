import { ClosedError, errorToData } from '@dustlayer/protocol'
import { SCHEMA_VERSION } from '@dustlayer/replica'
import {
  createClock,
  createSyncClient,
  createWebSocketTransport,
  type IssuedToken,
  type WebSocketTransportOptions,
} from '@dustlayer/sync'
import { expose } from 'comlink'
import { holdLife } from '../page/worker-life.js'
import type { Notice, WorkerApi, WorkerConfig } from '../page/worker-protocol.js'
import { randomId } from '../random-id.js'
import { createIoErrors } from '../storage/io-errors.js'
import { createStorageOpener } from '../storage/open-storage.js'
import { loadSqlite } from '../storage/sqlite-module.js'
import { findCompany } from '../tab/company.js'
import { type Hello, type Receipt, TAB_PROTOCOL } from '../tab/tab-protocol.js'
import { loadDeviceId } from './device-id.js'
import { createEpochs } from './epochs.js'
import { createBrowserNetwork } from './network.js'
import { createTab, type Tab } from './tab.js'
import { wipe } from './wipe.js'

const clock = createClock({ setTimeout, clearTimeout, now: Date.now, monotonic: () => performance.now() })

/** The DOM types exclude views of shared memory from what a socket sends; encoded frames never are such. */
const WebSocketForSync = WebSocket as WebSocketTransportOptions['WebSocket']

async function startTab(
  config: WorkerConfig,
  notices: MessagePort,
  getToken: () => Promise<IssuedToken | null>,
  restored: Hello | undefined,
): Promise<Tab> {
  const { instance, url, format } = config
  // Before anything else: the wasm takes longest, and does not depend on who leads.
  const ioErrors = createIoErrors()
  const sqlite = loadSqlite(config.wasmUrl ?? new URL('./sqlite3.wasm', import.meta.url).href, ioErrors.note)
  const { locks, openChannel, alone } = await findCompany(globalThis)
  const network = createBrowserNetwork()
  const notify = (notice: Notice): void => notices.postMessage(notice)

  return createTab({
    instance,
    build: { v: TAB_PROTOCOL, schema: SCHEMA_VERSION },
    restored,
    epochs: createEpochs(instance, clock),
    wipe: () => wipe({ instance, clock, random: Math.random }),
    locks,
    openChannel,
    clock,
    randomId: () => randomId('tab_'),
    canLead: sqlite,
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
    deviceId: () => loadDeviceId(instance, clock),
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
        // What stands in the way is in the status; this is for whoever develops the app.
        onProblem: (problem) => console.error(problem),
      }),
    defer: createDefer(),
    onSignal: network.signal,
    onNews: (news) => notify({ kind: 'news', news }),
    onLeading: (leading) => notify({ kind: 'leading', leading }),
    onProblem: (error) => notify({ kind: 'problem', error: errorToData(error) }),
    onRestart: () => notify({ kind: 'restart' }),
    onEnded: (error) => notify({ kind: 'ended', error: errorToData(error) }),
  })
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

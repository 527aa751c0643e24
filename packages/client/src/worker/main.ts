import { ClosedError, errorToData } from '@dustlayer/protocol'
import {
  createClock,
  createSyncClient,
  createWebSocketTransport,
  type WebSocketTransportOptions,
} from '@dustlayer/sync'
import { expose } from 'comlink'
import type { Notice, WorkerApi, WorkerConfig } from '../page/worker-protocol.js'
import { randomId } from '../random-id.js'
import { openLadder, type Storage } from '../storage/ladder.js'
import { memoryRung } from '../storage/memory.js'
import { opfsRung } from '../storage/opfs.js'
import { loadSqlite } from '../storage/sqlite-module.js'
import { createLocalChannels, openBroadcastChannel } from '../tab/channel.js'
import { createLocalLocks, createWebLocks } from '../tab/locks.js'
import { loadDeviceId } from './device-id.js'
import { createBrowserNetwork } from './network.js'
import { createTab, type Tab } from './tab.js'

const clock = createClock({ setTimeout, clearTimeout, now: Date.now })

/** The DOM types exclude views of shared memory from what a socket sends; encoded frames never are such. */
const WebSocketForSync = WebSocket as WebSocketTransportOptions['WebSocket']

function startTab(config: WorkerConfig, notices: MessagePort, getToken: () => Promise<string>): Tab {
  const { instance, url, format } = config
  // Before anything else: the wasm takes longest, and does not depend on who leads.
  const sqlite = loadSqlite(config.wasmUrl ?? new URL('./sqlite3.wasm', import.meta.url).href)
  const network = createBrowserNetwork()
  const notify = (notice: Notice): void => notices.postMessage(notice)

  const openStorage = async (): Promise<Storage> => {
    const sqlite3 = await sqlite
    const memory = memoryRung(sqlite3)
    if (config.storage === 'memory') return memory.open()
    if (!sharesWithTabs()) return openLadder([notShared, memory])
    return openLadder([opfsRung({ sqlite3, instance, clock, random: Math.random }), memory])
  }

  return createTab({
    instance,
    ...(sharesWithTabs()
      ? { locks: createWebLocks(navigator.locks), openChannel: openBroadcastChannel }
      : { locks: createLocalLocks(), openChannel: createLocalChannels() }),
    clock,
    randomId: () => randomId('tab_'),
    canLead: sqlite,
    openStorage,
    deviceId: () => loadDeviceId(instance, clock),
    connect: (deviceId) =>
      createSyncClient({
        url,
        token: getToken,
        deviceId,
        format,
        transport: createWebSocketTransport({ WebSocket: WebSocketForSync, fetch: (url) => fetch(url) }),
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
  })
}

/** Pages outside secure contexts have no Web Locks, so that each of their tabs must live alone. */
function sharesWithTabs(): boolean {
  return navigator.locks !== undefined && typeof BroadcastChannel === 'function'
}

const notShared = {
  name: 'opfs',
  open: async () => {
    throw new Error('the page is not a secure context (use https or localhost), so tabs cannot take turns')
  },
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
  let tab: Tab | undefined
  const started = (): Tab => {
    if (!tab) throw new ClosedError('The worker has not been started.')
    return tab
  }
  return {
    start(config, notices, getToken) {
      tab = startTab(config, notices, getToken)
      tab.enter()
    },
    calls: (batch) => started().calls(batch),
    signal: (signal) => started().signal(signal),
    pause: (paused) => started().pause(paused),
    suspend: () => started().leave(),
    resume: () => started().enter(),
    close: () => started().close(new ClosedError('This Dust has been closed.')),
  }
}

expose(createApi())

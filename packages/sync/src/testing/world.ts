import {
  type DustError,
  type ExtensionName,
  type JsonValue,
  parsePattern,
  StorageError,
} from '@dustlayer/protocol'
import { type EntryData, type LocalOp, openReplica, type Replica, type SyncPort } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import type { StoreSync } from '../store-sync.js'
import { createSyncClient, type SyncClient } from '../sync-client.js'
import type { TokenSource } from '../token.js'
import type { ProbeResult } from '../transport.js'
import { createFakeNetwork, type FakeNetwork } from './fake-network.js'
import { createFakeOnline, type FakeOnline } from './fake-online.js'
import { answerHeartbeat, createFakeStoreServer, type FakeStoreServer } from './fake-store-server.js'
import { createFakeTime, type FakeClock, type FakeTime } from './fake-time.js'

export const STORE = 'acme/app'
export const OTHER_STORE = 'acme/other'
const DEVICE = 'dev_1'

export interface WorldOptions {
  readonly dedup?: boolean
  /** What the server offers beyond the common protocol: nothing, as the reference, by default. */
  readonly extensions?: readonly ExtensionName[]
  readonly verifyEveryMs?: number
  readonly verifyAfterMs?: number
  readonly format?: 'json' | 'msgpack'
  readonly token?: TokenSource
  readonly latency?: () => number
  readonly bytesPerSecond?: number
  readonly random?: () => number
  readonly probe?: (url: string) => Promise<ProbeResult>
  /** Whether the server accepts a handshake. */
  readonly admit?: (url: string) => boolean
}

export interface LocalWrite {
  readonly op: LocalOp['op']
  readonly path: string
  readonly value?: JsonValue
  readonly ifMatch?: number
}

/** One real replica, its sync client and a fake server, all in fake time. */
export interface World {
  readonly time: FakeTime
  /** The client's clock: its `pending` shows timers that outlive a close. */
  readonly clock: FakeClock
  readonly server: FakeStoreServer
  /** Another store of the same server, not attached. */
  readonly otherServer: FakeStoreServer
  readonly network: FakeNetwork
  readonly online: FakeOnline
  readonly problems: DustError[]
  /** While set, what comes from the server does not fit on the disk; `answers`: nor does what becomes of own ops. */
  full: 'events' | 'answers' | null
  /** Every op id in issue order, without those whose place a later op has taken. */
  readonly issued: readonly string[]
  readonly replica: Replica
  readonly client: SyncClient
  readonly sync: StoreSync
  /** Of another, empty replica, for the other store. */
  emptyPort(): SyncPort
  /** A local write, as the app's side does it. Gives the op id. */
  write(op: LocalWrite): string
  put(path: string, value: JsonValue): string
  /** A batch of puts. Gives their op ids. */
  batch(values: { readonly [path: string]: JsonValue }, options?: { readonly separate?: boolean }): string[]
  /** What the server has and the replica does not have, or the other way round; empty when they agree. */
  differences(): string[]
  /** The process dies; a new one opens what is on the disk. */
  restart(): void
  /** Runs until the store is live, nothing is pending and all of the server's log is here. */
  settle(ms?: number): void
}

export function createWorld(options: WorldOptions = {}): World {
  const {
    dedup = true,
    extensions = [],
    verifyEveryMs,
    verifyAfterMs,
    format = 'json',
    token = 'dust_tok_x',
    latency,
    bytesPerSecond,
    random = () => 0.5,
    probe,
    admit,
  } = options
  const time = createFakeTime()
  const outside = time.clock()
  const clock = time.clock()
  const online = createFakeOnline()
  const server = createFakeStoreServer({ clock: outside, store: STORE, dedup, extensions })
  const otherServer = createFakeStoreServer({ clock: outside, store: OTHER_STORE, dedup, extensions })
  const network = createFakeNetwork({
    clock: outside,
    handlers: {
      frame(peer, frame) {
        answerHeartbeat(peer, frame)
        for (const { handlers } of [server, otherServer]) handlers.frame?.(peer, frame)
      },
      closed(peer) {
        for (const { handlers } of [server, otherServer]) handlers.closed?.(peer)
      },
      connect: ({ url }) => admit?.(url) ?? true,
    },
    ...(latency && { latency }),
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    ...(probe && { probe }),
  })
  const problems: DustError[] = []
  const issued: string[] = []
  const driver = openBetterSqlite()

  const open = () => {
    const replica = openReplica({ driver, store: STORE, deviceId: DEVICE, now: () => Math.floor(time.now) })
    const client = createSyncClient({
      url: 'ws://server/ws/sync',
      token,
      deviceId: DEVICE,
      format,
      transport: network.transport,
      clock,
      random,
      network: online,
      ...(verifyEveryMs !== undefined && { verifyEveryMs }),
      ...(verifyAfterMs !== undefined && { verifyAfterMs }),
      onProblem: (problem) => problems.push(problem),
    })
    const fits = (what: string): boolean => world.full === null || (what === 'answers' && world.full !== what)
    return { replica, client, sync: client.attach(STORE, fitting(replica.sync, fits)) }
  }

  let lastOp = 0
  const nextId = (): string => {
    lastOp += 1
    return `op_${lastOp}`
  }
  const write = ({ op, path, value = null, ifMatch }: LocalWrite): string => {
    const opId = nextId()
    const { count } = opened.replica.pending()
    opened.replica.write({ op, path, value, opId, ...(ifMatch !== undefined && { ifMatch }) })
    if (opened.replica.pending().count === count) issued.pop()
    issued.push(opId)
    opened.sync.outboxChanged()
    return opId
  }

  const world: World = {
    time,
    clock,
    server,
    otherServer,
    network,
    online,
    problems,
    full: null,
    issued,
    get replica() {
      return opened.replica
    },
    get client() {
      return opened.client
    },
    get sync() {
      return opened.sync
    },
    emptyPort() {
      const options = { store: OTHER_STORE, deviceId: DEVICE, now: () => Math.floor(time.now) }
      return openReplica({ driver: openBetterSqlite(), ...options }).sync
    },
    write,
    put: (path, value) => write({ op: 'set', path, value }),
    batch(values, { separate = false } = {}) {
      const ops = Object.entries(values).map(([path, value]): LocalOp => {
        return { op: 'set', path, value, opId: nextId() }
      })
      opened.replica.writeBatch({ id: `batch_of_${ops[0]?.opId}`, ops, separate })
      for (const { opId } of ops) issued.push(opId)
      opened.sync.outboxChanged()
      return ops.map(({ opId }) => opId)
    },
    differences() {
      const there = new Map(server.model.entries().map((entry) => [entry.path, JSON.stringify(entry.value)]))
      const here = new Map<string, string>()
      for (const { path, value } of opened.replica.enum(parsePattern('**')).items as readonly EntryData[])
        here.set(path, JSON.stringify(value))
      return [...new Set([...there.keys(), ...here.keys()])].filter(
        (path) => there.get(path) !== here.get(path),
      )
    },
    restart() {
      opened.client.close()
      opened = open()
    },
    settle(ms) {
      time.until(() => {
        const { state, lastStoreSeq } = opened.sync.status()
        return state === 'live' && lastStoreSeq === server.model.head && opened.replica.pending().count === 0
      }, ms)
    },
  }
  let opened = open()
  return world
}

const EVENTS = ['applyEvents', 'applySnapshot', 'stageBegin', 'stageEntries', 'stageEvents', 'stageFinish']
const ANSWERS = ['ack', 'ackBatch', 'reject', 'rejectBatch']

/** The same port on a disk that refuses what does not fit. */
function fitting(port: SyncPort, fits: (what: 'events' | 'answers') => boolean): SyncPort {
  return new Proxy(port, {
    get(target, name) {
      const what = EVENTS.includes(String(name)) ? 'events' : 'answers'
      if (what === 'answers' && !ANSWERS.includes(String(name))) return Reflect.get(target, name)
      return (...args: unknown[]) => {
        if (!fits(what))
          throw new StorageError('quota_exceeded', 'The disk is full.', { fields: { usage: 1 } })
        return Reflect.apply(Reflect.get(target, name), target, args)
      }
    },
  })
}

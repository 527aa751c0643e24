import type { DustError, JsonValue } from '@dustlayer/protocol'
import { type LocalOp, openReplica, type Replica } from '@dustlayer/replica'
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
  readonly format?: 'json' | 'msgpack'
  readonly token?: TokenSource
  readonly latency?: () => number
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
  /** Every op id in issue order. */
  readonly issued: readonly string[]
  readonly replica: Replica
  readonly client: SyncClient
  readonly sync: StoreSync
  /** A local write, as the app's side does it. Gives the op id. */
  write(op: LocalWrite): string
  put(path: string, value: JsonValue): string
  /** The process dies; a new one opens what is on the disk. */
  restart(): void
  /** Runs until the store is live, nothing is pending and all of the server's log is here. */
  settle(ms?: number): void
}

export function createWorld(options: WorldOptions = {}): World {
  const {
    dedup = true,
    format = 'json',
    token = 'dust_tok_x',
    latency,
    random = () => 0.5,
    probe,
    admit,
  } = options
  const time = createFakeTime()
  const outside = time.clock()
  const clock = time.clock()
  const online = createFakeOnline()
  const server = createFakeStoreServer({ clock: outside, store: STORE, dedup })
  const otherServer = createFakeStoreServer({ clock: outside, store: OTHER_STORE, dedup })
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
    ...(probe && { probe }),
  })
  const problems: DustError[] = []
  const issued: string[] = []
  const driver = openBetterSqlite()

  const open = () => {
    const replica = openReplica({ driver, store: STORE, deviceId: DEVICE, now: () => time.now })
    const client = createSyncClient({
      url: 'ws://server/ws/sync',
      token,
      deviceId: DEVICE,
      format,
      transport: network.transport,
      clock,
      random,
      network: online,
      onProblem: (problem) => problems.push(problem),
    })
    return { replica, client, sync: client.attach(STORE, replica.sync) }
  }

  let opened = open()
  const write = ({ op, path, value = null, ifMatch }: LocalWrite): string => {
    const opId = `op_${issued.length + 1}`
    opened.replica.write({ op, path, value, opId, ...(ifMatch !== undefined && { ifMatch }) })
    issued.push(opId)
    opened.sync.outboxChanged()
    return opId
  }

  return {
    time,
    clock,
    server,
    otherServer,
    network,
    online,
    problems,
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
    write,
    put: (path, value) => write({ op: 'set', path, value }),
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
}

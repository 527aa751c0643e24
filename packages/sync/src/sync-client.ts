import { ClosedError, createMsgpackCodec, type DustError, jsonCodec, OptionError } from '@dustlayer/protocol'
import type { SyncPort } from '@dustlayer/replica'
import type { Clock } from './clock.js'
import { createConnection } from './connection.js'
import { createProblems } from './problems.js'
import type { StoreSync, StoreSyncCore } from './store-sync.js'
import { createStoreSync } from './store-sync-core.js'
import type { TokenSource } from './token.js'
import type { Network, Transport } from './transport.js'
import { displayUrl } from './url.js'

const TOPIC_PREFIX = 'store:'
const VERIFY_EVERY_MS = 3_600_000

export interface SyncClientOptions {
  /** The server's address, such as `wss://host/ws/sync`. */
  readonly url: string
  /**
   * A function is asked for each connection attempt (never while it owes an answer to the last question), before a token expires that says when, and when the server turns
   * one down. A renewed token goes over the open connection where the server can take it so, else over a new one.
   */
  readonly token: TokenSource
  /** This client's lasting id; the server echoes it on the events that this client causes. */
  readonly deviceId: string
  readonly format?: 'json' | 'msgpack'
  readonly transport: Transport
  readonly clock: Clock
  /** A number in [0, 1), for the jitter of waits. */
  random(): number
  readonly network?: Network
  /**
   * How often a copy is compared with the server's, where the server can (the `digest` extension): after the first
   * catch-up, and then at most once in so many milliseconds. One hour by default.
   */
  readonly verifyEveryMs?: number
  /**
   * How long the first comparison waits after the catch-up, milliseconds: it reads the whole copy, and others may have
   * waited for this client to serve them. 0 by default.
   */
  readonly verifyAfterMs?: number
  /** Told what was tolerated or is tried again, and would otherwise go unseen. Must not throw. */
  onProblem?(problem: DustError): void
}

/** Keeps any number of replicas in step with the stores of one server, over one connection. */
export interface SyncClient {
  /**
   * Begins to sync a store with its replica; the first one connects.
   * @throws OptionError when the store is attached already; ClosedError after `close`.
   */
  attach(store: string, port: SyncPort): StoreSync
  /**
   * Checks now whether the connection is alive, or ends a wait for the next attempt: for whatever says that the world
   * may have changed, such as a page becoming visible. (A sleep of the machine is noticed without it.)
   */
  probe(): void
  /**
   * Connects anew at once and asks for a token again: after signing in, or when the user asks for it. Called again and
   * again, at growing distances.
   */
  reconnect(): void
  /** Stays off the network until `resume`: stores are `offline`, and writes wait in the outbox. */
  pause(): void
  resume(): void
  /** Ends everything; nothing is called any more. */
  close(): void
}

/** @throws OptionError when the URL cannot be one of a Dust server. */
export function createSyncClient(options: SyncClientOptions): SyncClient {
  const { url, token, deviceId, format = 'json', transport, clock, random, network } = options
  const { verifyEveryMs = VERIFY_EVERY_MS, verifyAfterMs = 0 } = options
  displayUrl(url)
  const problems = createProblems((problem) => options.onProblem?.(problem))
  const stores = new Map<string, StoreSyncCore>()
  let closed = false

  const connection = createConnection({
    url,
    token,
    deviceId,
    transport,
    clock,
    network,
    random: () => random(),
    codec: format === 'msgpack' ? createMsgpackCodec() : jsonCodec,
    opened(session) {
      for (const store of [...stores.values()]) store.opened(session)
    },
    lost(loss) {
      for (const store of [...stores.values()]) store.lost(loss)
    },
    busy: () => [...stores.values()].some((store) => store.busy()),
    renewed: (token) => renewed(token),
    frame(frame) {
      const topic = frame[2]
      if (topic.startsWith(TOPIC_PREFIX)) stores.get(topic.slice(TOPIC_PREFIX.length))?.receive(frame)
    },
    changed() {
      for (const store of [...stores.values()]) store.connectionChanged(connection.state())
    },
    problem: problems.report,
  })

  /** Over the open connection where the server can, else over a new one. */
  const renewed = (token: string): void => {
    const all = [...stores.values()]
    const able = all.filter((store) => store.renewal() === 'reauth')
    if (able.length === 0 || all.some((store) => store.renewal() === 'unable')) connection.redial(token)
    else for (const store of able) store.reauthorize(token)
  }

  return {
    attach(store, port) {
      if (closed) throw new ClosedError(`The sync client is closed: ${store} cannot be attached.`)
      if (stores.has(store))
        throw new OptionError(`${store} is attached already: one replica syncs a store.`, { store })
      const core = createStoreSync({
        store,
        port,
        deviceId,
        clock,
        problems,
        verifyEveryMs,
        verifyAfterMs,
        random,
        tokenTurnedDown: () => connection.tokenTurnedDown(),
        reauthorized() {
          for (const other of [...stores.values()]) other.knock()
        },
      })
      stores.set(store, core)
      core.connectionChanged(connection.state())
      const session = connection.session()
      if (session) core.opened(session)
      connection.start()
      return {
        outboxChanged: core.outboxChanged,
        status: core.status,
        onStatus: core.onStatus,
        synced: core.synced,
        request: core.request,
        verify: core.verify,
        resync: core.resync,
        detach() {
          if (stores.get(store) !== core) return
          stores.delete(store)
          core.close()
          if (stores.size === 0) connection.stop()
        },
      }
    },
    probe: connection.probe,
    reconnect: connection.reconnect,
    pause: connection.pause,
    resume: connection.resume,
    close() {
      if (closed) return
      closed = true
      for (const store of stores.values()) store.close()
      stores.clear()
      connection.close()
    },
  }
}

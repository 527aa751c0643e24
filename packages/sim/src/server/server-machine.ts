import { digestText, type Op } from '@dustlayer/protocol'
import {
  createStoreHub,
  type Logger,
  pathRollbackJob,
  type StoreHub,
  type StoreRecord,
  storeRollbackJob,
  writeJob,
} from '@dustlayer/server'
import {
  authenticate,
  createMsgpackFormat,
  createStoreStorage,
  createToken,
  jsonFormat,
  openStoreDatabase,
  type Scheduler,
  type Services,
} from '@dustlayer/server/core'
import Database from 'better-sqlite3'
import { describeEntries, type History } from '../history.js'
import type { SimLink } from '../link.js'
import type { CrashPoint } from '../schedule.js'
import type { SimTime } from '../time.js'
import type { Trace } from '../trace.js'
import { Crash, Violation } from '../violation.js'
import { createMemoryCatalog } from './memory-catalog.js'
import { acceptPeer } from './peer.js'
import { createRefusals, type Refusals } from './refusals.js'
import { createServerDisk, type ServerDisk, type ServerProcess } from './server-disk.js'

export const STORE = 'acme/app'
const NAME = { org: 'acme', name: 'app' }
const DEVICE_OF_NOBODY = 'rest'
const NO_CLOSE_FRAME = 1006

/** The machine that the server runs on: its process, which can die and come back, and its disk, which stays. */
export interface ServerMachine {
  readonly disk: ServerDisk
  readonly refusals: Refusals
  readonly up: boolean
  /** Errors that the server has logged. */
  readonly errors: readonly string[]
  /** A client dials. */
  dial(url: string, link: SimLink, slow: () => boolean): void
  /** Whether a handshake with this token would be accepted. */
  admits(url: string): boolean
  newToken(): { id: string; token: string }
  revoke(tokenId: string): void
  /** An op of somebody who is not connected. */
  remote(op: Op): void
  rollback(path: string | null, back: number): void
  compact(): void
  crash(downMs: number): void
  crashAt(point: CrashPoint, count: number, downMs: number): void
  backup(): void
  /** The process ends, and the next one finds the backup. Nothing happens when there is none. */
  restore(downMs: number): void
  digest(): string
  entries(): string
  close(): void
}

export interface ServerMachineOptions {
  readonly time: SimTime
  readonly history: History
  readonly page: number
  readonly trace: Trace | undefined
}

interface Process extends ServerProcess {
  readonly services: Services
  readonly peers: Set<SimLink>
}

export function createServerMachine(options: ServerMachineOptions): ServerMachine {
  const { time, history, page, trace } = options
  const catalog = createMemoryCatalog()
  const record: StoreRecord = {
    id: '00000000-0000-4000-8000-000000000001',
    ...NAME,
    status: 'active',
    createdAt: time.now,
    expiresAt: null,
  }
  catalog.stores.create(record)
  const refusals = createRefusals()
  const errors: string[] = []
  const formats = { json: jsonFormat, msgpack: createMsgpackFormat() }
  let db = openStoreDatabase(':memory:', 'normal')
  let backup: { image: Buffer; seq: number } | undefined
  let restarts = 0
  let downMs = 0

  const disk = createServerDisk({
    page,
    committed(ops) {
      for (const { seq, op, path, valueJson, clientOpId } of ops)
        trace?.(`server  ${seq}: ${op} ${path} ${valueJson} (${clientOpId})`)
      history.committed(ops)
    },
  })

  const logger: Logger = {
    error(message, fields) {
      // A dead process says nothing.
      if (process?.alive) errors.push(`${message} ${JSON.stringify(fields)}`)
    },
    info() {},
    debug() {},
  }

  const start = (): Process => {
    const peers = new Set<SimLink>()
    let alive = true
    const scheduler: Scheduler = {
      defer: (run) => void time.after(0, () => whileAlive(run)),
      after: (ms, run) => time.after(ms, () => whileAlive(run)),
    }
    const whileAlive = (run: () => void): void => {
      if (!alive) return
      try {
        run()
      } catch (error) {
        if (!(error instanceof Crash)) throw error
      }
    }
    const clock = { now: () => time.now, monotonic: () => time.now }
    const hub: StoreHub = createStoreHub({
      catalog,
      clock,
      scheduler,
      logger,
      compaction: { minOps: page, keepMs: 20_000, maxOps: 50 * page },
      engine: { open: () => disk.attach(createStoreStorage(db), started) },
    })
    const started: Process = {
      get alive() {
        return alive
      },
      peers,
      die() {
        if (!alive) return
        alive = false
        trace?.('server  dies')
        time.after(0, () => {
          for (const link of [...peers]) link.closeFar(NO_CLOSE_FRAME, '')
        })
        scheduleStart(downMs)
      },
      services: {
        catalog,
        hub,
        blobs: { put: () => '', open: () => undefined },
        clock,
        logger,
        rateLimiter: refusals,
        limits: { maxKeys: 0 },
        devOrg: undefined,
      },
    }
    history.named(hub.open(record).storage.identity.incarnation())
    return started
  }

  let process: Process | undefined

  const scheduleStart = (ms: number): void => {
    restarts += 1
    const mine = restarts
    time.after(ms, () => {
      if (mine !== restarts) return
      process = start()
      trace?.('server  is up')
    })
  }

  const openStore = () => process?.alive && process.services.hub.open(record)

  const crash = (ms: number): void => {
    downMs = ms
    if (process?.alive) process.die()
    else scheduleStart(ms)
  }

  const grantOf = (url: string) =>
    authenticate(catalog, new URL(url).searchParams.get('token') ?? '', time.now)

  process = start()
  return {
    disk,
    refusals,
    errors,
    get up() {
      return process?.alive ?? false
    },
    dial(url, link, slow) {
      const grant = grantOf(url)
      if (!process?.alive || !grant) {
        link.refuse()
        return
      }
      const query = new URL(url).searchParams
      const format = query.get('vsn') === '3.0.0' ? formats.msgpack : formats.json
      acceptPeer({ process, link, format, slow, deviceId: query.get('device_id') ?? '', grant, disk, time })
    },
    admits: (url) => grantOf(url) !== undefined,
    newToken: () =>
      createToken(
        catalog,
        { stores: [STORE], scopes: ['entries:read', 'entries:write', 'files:read', 'files:write'] },
        time.now,
      ),
    revoke: (tokenId) => void catalog.tokens.revoke(tokenId, time.now),
    remote(op) {
      const store = openStore()
      if (store) store.sequencer.submit(writeJob(op, DEVICE_OF_NOBODY, { maxKeys: 0 }), () => {})
    },
    rollback(path, back) {
      const store = openStore()
      if (!store) return
      const to = Math.max(0, store.sequencer.head() - back)
      store.sequencer.submit(path === null ? storeRollbackJob(to) : pathRollbackJob(path, to), () => {})
    },
    compact() {
      const store = openStore()
      if (!store) return
      const snapshot = store.sequencer.compact()
      trace?.(`server  compacts to ${snapshot?.seq}`)
    },
    crash,
    crashAt(point, count, ms) {
      downMs = ms
      disk.crashAt(point, count)
    },
    backup() {
      backup = { image: db.serialize(), seq: history.current.head }
      trace?.(`server  is backed up at ${backup.seq}`)
    },
    restore(ms) {
      if (!backup) return
      crash(ms)
      db = new Database(backup.image)
      history.restored(backup.seq)
      createStoreStorage(db).identity.renew()
      trace?.(`server  is restored to ${backup.seq}`)
    },
    digest() {
      const store = openStore()
      if (!store) throw new Violation('server', 'The server is down.')
      return digestText(store.storage.entries.digest())
    },
    entries() {
      const store = openStore()
      if (!store) throw new Violation('server', 'The server is down.')
      return describeEntries([...store.storage.entries.scan()])
    },
    close() {
      restarts += 1
      db.close()
    },
  }
}

import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OptionError } from '@dustlayer/protocol'
import { type Administration, createAdministration } from './administration.js'
import { type Clock, systemClock } from './clock.js'
import { closestName } from './closest-name.js'
import { type CompactionPolicy, compactionPolicy } from './compaction-policy.js'
import { type DataDir, type DataDirOptions, openDataDir } from './data-dir.js'
import { DEV_ORG, DEV_STORE, prepareDevMode } from './dev-mode.js'
import { SOCKET_BASE_PATH } from './handshake.js'
import { createRequestHandler } from './http.js'
import { describeError, type Logger, silentLogger } from './log.js'
import { createOriginPolicy } from './origin.js'
import { createRateLimiter } from './rate-limit.js'
import type { Services } from './services.js'
import { createSocketEndpoint, type SocketEndpoint } from './socket-endpoint.js'
import type { Synchronous } from './sqlite/database.js'
import { createStaticApp } from './static-app.js'
import type { StorageEngine } from './storage.js'
import type { StoreHub } from './store-hub.js'

export interface ServerOptions {
  /** Everything the server keeps lives below this directory; one server at a time may use it. */
  readonly dataDir: string
  /** 127.0.0.1 unless given. */
  readonly host?: string | undefined
  /** 0, the default, takes any free port. */
  readonly port?: number | undefined
  /** Development mode: the store `dev/main`, a token for everything, stores of `dev` made as they are joined. */
  readonly dev?: boolean | undefined
  /** A directory of static files to serve at `/`. */
  readonly app?: string | undefined
  /** Origins of pages that may connect besides the server's own; `*` for all. */
  readonly origins?: readonly string[] | undefined
  /** `full`, the default, survives a power cut; `normal` may then lose the last moments, and is faster. */
  readonly synchronous?: Synchronous | undefined
  /** Writes a token may make in a minute; 0, the default, is no limit. */
  readonly maxWritesPerMinute?: number | undefined
  /** Leaves a store may hold; 0, the default, is no limit. */
  readonly maxKeys?: number | undefined
  /** A connection that sends nothing for so long is closed; 60,000 ms unless given. */
  readonly idleTimeoutMs?: number | undefined
  /** How much of its log a store keeps; false keeps everything. What is left out is as by default. */
  readonly compaction?: Partial<CompactionPolicy> | false | undefined
  readonly logger?: Logger | undefined
  readonly clock?: Clock | undefined
  /** Another engine for the contents of stores than SQLite files in the data directory. */
  readonly engine?: StorageEngine | undefined
}

/** A running server. */
export interface DustServer extends Administration {
  /** What clients are given: `ws://host:port/ws/sync`. */
  readonly url: string
  readonly httpUrl: string
  /** The store and the token of development mode, else null. */
  readonly dev: { readonly store: string; readonly token: string } | null
  readonly hub: StoreHub
  /** Answers what has arrived, closes connections and files, and resolves when nothing is left running. */
  close(): Promise<void>
}

const EXPIRY_SWEEP_MS = 60_000

/**
 * Starts a Dust server; resolves when it accepts connections.
 * @throws StorageError when the data directory is in use or cannot be opened, OptionError for a bad option, and
 *   the error of `listen` when the port is taken.
 */
export async function createServer(options: ServerOptions): Promise<DustServer> {
  checkOptions(options)
  const clock = options.clock ?? systemClock
  const compaction = compactionPolicy(options.compaction)
  // `engine`, `synchronous` and `logger` are options of the data directory too.
  const data = openDataDir({ ...options, clock, compaction } satisfies DataDirOptions)
  try {
    return await serve(data, clock, options)
  } catch (error) {
    data.close()
    throw error
  }
}

const OPTION_NAMES: readonly (keyof ServerOptions)[] = [
  'dataDir',
  'host',
  'port',
  'dev',
  'app',
  'origins',
  'synchronous',
  'maxWritesPerMinute',
  'maxKeys',
  'idleTimeoutMs',
  'compaction',
  'logger',
  'clock',
  'engine',
]

function checkOptions(options: ServerOptions): void {
  const names: readonly string[] = OPTION_NAMES
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const meant = closestName(unknown, names)
    throw new OptionError(
      `Unknown option "${unknown}".${meant === undefined ? '' : ` Did you mean "${meant}"?`}`,
    )
  }
  if (typeof options.dataDir !== 'string' || options.dataDir === '') {
    throw new OptionError('The option "dataDir" is missing: the directory where everything is kept.')
  }
  for (const name of ['maxWritesPerMinute', 'maxKeys', 'port'] as const) {
    const value = options[name] ?? 0
    if (!Number.isInteger(value) || value < 0)
      throw new OptionError(`The option "${name}" is a whole number from 0.`)
  }
  if ((options.idleTimeoutMs ?? 1) <= 0) throw new OptionError('The idle timeout must be above 0.')
}

async function serve(data: DataDir, clock: Clock, options: ServerOptions): Promise<DustServer> {
  const { dataDir, dev = false, logger = silentLogger, host = '127.0.0.1', port = 0 } = options
  const app = options.app === undefined ? undefined : createStaticApp(options.app)
  const access = dev ? { store: DEV_STORE, token: prepareDevMode(data.catalog, clock, dataDir) } : null
  const services: Services = {
    ...data,
    clock,
    logger,
    rateLimiter: createRateLimiter(options.maxWritesPerMinute ?? 0, clock),
    limits: { maxKeys: options.maxKeys ?? 0 },
    devOrg: dev ? DEV_ORG : undefined,
  }
  const origins = createOriginPolicy({ allowed: options.origins ?? [], loopback: dev })
  const http = createHttpServer(createRequestHandler({ services, origins, app, devAccess: access }))
  const address = await listen(http, port, host)
  const endpoint = createSocketEndpoint({ services, origins, idleTimeoutMs: options.idleTimeoutMs ?? 60_000 })
  http.on('upgrade', endpoint.upgrade)
  const sweep = setInterval(() => {
    try {
      for (const store of data.hub.archiveExpired()) endpoint.endStore(store.id)
    } catch (error) {
      logger.error('stores whose time is up could not be archived', { error: describeError(error) })
    }
  }, EXPIRY_SWEEP_MS)
  logger.info('listening', { address, dev })

  let closing: Promise<void> | undefined
  return {
    url: `ws://${address}${SOCKET_BASE_PATH}`,
    httpUrl: `http://${address}`,
    dev: access,
    hub: data.hub,
    ...createAdministration(data, clock, endpoint),
    close() {
      clearInterval(sweep)
      closing ??= shutDown(http, endpoint, data).then(() => logger.info('stopped'))
      return closing
    },
  }
}

async function shutDown(http: HttpServer, endpoint: SocketEndpoint, data: DataDir): Promise<void> {
  const stopped = new Promise((resolve) => http.close(resolve))
  // What has arrived is committed and answered before its connection closes.
  data.hub.flush()
  await endpoint.close()
  http.closeAllConnections()
  await stopped
  data.close()
}

/** Resolves with `host:port`, fit for a URL. */
function listen(http: HttpServer, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, () => {
      http.off('error', reject)
      // It listens on TCP, so it has an address of this kind.
      const address = http.address() as AddressInfo
      const shown = host.includes(':') ? `[${host}]` : host
      resolve(`${shown}:${address.port}`)
    })
  })
}

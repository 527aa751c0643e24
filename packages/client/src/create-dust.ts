import { OptionError, UnavailableError } from '@dustlayer/protocol'
import { createOperations, type Operations } from './operations.js'
import { checkOptions, type OptionRule, oneOf, requireOptions } from './options.js'
import { type Connection, connect } from './page/connection.js'
import { watchPage } from './page/lifecycle.js'
import { startWorker, type WorkerLinkOptions } from './page/worker-link.js'
import { createStore, type Store } from './store.js'
import { checkStoreName } from './store-name.js'

/** A token, or a function that gives one: it is called for each connection, so that it can refresh. */
export type Token = string | (() => string | Promise<string>)

export interface DustOptions {
  /** The server's WebSocket URL: `wss://host/ws/sync`. */
  readonly url: string
  /** Kept in memory only. */
  readonly token: Token
  /**
   * The instance, `default` by default: 1…64 letters, digits, `-` and `_`. Tabs with the same name share one
   * replica and one connection; instances with different names do not see each other.
   */
  readonly name?: string | undefined
  /** The wire format; `json` by default. */
  readonly format?: 'json' | 'msgpack' | undefined
  /** Where the worker's file is served, when the bundler does not find it (docs/bundlers.md). */
  readonly workerUrl?: string | URL | undefined
  /** Where `sqlite3.wasm` is served, when it is not beside the worker. */
  readonly wasmUrl?: string | URL | undefined
  /** `auto` by default: the best that the browser has. `memory`: nothing is kept on this device. */
  readonly storage?: 'auto' | 'memory' | undefined
}

/** The Dust of this page: {@link Operations} on all stores that the token may open. */
export interface Dust extends Operations {
  /** The same operations on one store. Starts to bring it up to date. @throws OptionError for what is no name. */
  store(name: string): Store
  /**
   * Takes the instance off the network, or lets it back on: an offline switch. Everything works as without a
   * network. It stays off while any of its tabs wants it so; a closed tab wants nothing.
   */
  setOnline(online: boolean): void
  /**
   * Connects anew at once, and asks the leading tab's token function again: after a new sign-in, or when the user
   * asks for it. Writes that were held for want of a token go out.
   */
  reconnect(): void
  /** Resolves when nothing is left running. Writes that are durable and not yet sent will be sent next time. */
  close(): Promise<void>
}

const aUrl: OptionRule = { must: 'a URL', test: (value) => value instanceof URL || typeof value === 'string' }

const RULES: { readonly [name in keyof DustOptions]-?: OptionRule } = {
  url: { must: 'a WebSocket URL, such as wss://example.org/ws/sync', test: isWebSocketUrl },
  token: {
    must: 'a string, or a function that gives one',
    test: (value) => (typeof value === 'string' && value !== '') || typeof value === 'function',
  },
  name: {
    must: '1…64 letters, digits, "-" and "_"',
    test: (value) => typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value),
  },
  format: oneOf('json', 'msgpack'),
  workerUrl: aUrl,
  wasmUrl: aUrl,
  storage: oneOf('auto', 'memory'),
}

/**
 * Starts Dust for this page, with a worker of its own.
 * @throws OptionError for an option that is unknown, missing or of the wrong kind.
 * @throws UnavailableError where there are no workers, as on a server.
 * @example
 * const dust = createDust({ url: 'wss://example.org/ws/sync', token })
 * await dust.put('org/app', 'users/alice', { name: 'Alice' })
 */
export function createDust(options: DustOptions): Dust {
  checkOptions('createDust', options, RULES)
  requireOptions('createDust', options, ['url', 'token'])
  if (typeof Worker !== 'function') {
    throw new UnavailableError(
      'createDust() needs a browser: here are no Workers. Call it in the browser only.',
    )
  }
  const { token, wasmUrl } = options
  const worker: WorkerLinkOptions = {
    workerUrl: options.workerUrl,
    config: {
      instance: options.name ?? 'default',
      url: options.url,
      format: options.format ?? 'json',
      storage: options.storage ?? 'auto',
      wasmUrl: wasmUrl === undefined ? null : new URL(wasmUrl, location.href).href,
    },
    getToken: async () => checkToken(typeof token === 'function' ? await token() : token),
  }
  const connection = connect({
    openWorker: (handlers) => startWorker(worker, handlers),
    watchPage,
    now: Date.now,
    report: reportCallbackError,
  })
  return createApi(connection)
}

/** The public face of a connection. */
export function createApi(connection: Connection): Dust {
  const operations = createOperations(connection)
  return {
    ...operations,
    store(name) {
      const store = checkStoreName(name)
      // What fails here fails again, and is told, at the first call.
      connection.call({ kind: 'open', store }).catch(() => undefined)
      return createStore(store, operations)
    },
    setOnline: connection.setOnline,
    reconnect: connection.reconnect,
    close: connection.close,
  }
}

function checkToken(token: unknown): string {
  if (typeof token === 'string' && token !== '') return token
  throw new OptionError(
    `The token function gave ${token === '' ? 'an empty string' : `a ${typeof token}`} in place of a token.`,
  )
}

function isWebSocketUrl(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    const { protocol, hash } = new URL(value)
    return ['ws:', 'wss:'].includes(protocol) && hash === ''
  } catch {
    // No URL at all; URL.canParse would tell, but Safari has it only since 17.
    return false
  }
}

/** An app's error belongs to the app: it goes where its uncaught errors go. */
function reportCallbackError(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else console.error(error)
}

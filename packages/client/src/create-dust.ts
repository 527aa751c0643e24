import { DestroyedError, UnavailableError, UpdateNeededError } from '@dustlayer/protocol'
import { instanceKey } from './instance-key.js'
import { createOperations, type Operations } from './operations.js'
import { aFunction, checkOptions, type OptionRule, oneOf, requireOptions } from './options.js'
import { createBrowserRecall } from './page/browser-recall.js'
import { type Connection, connect } from './page/connection.js'
import { watchPage } from './page/lifecycle.js'
import { createTokenReader, type Token } from './page/read-token.js'
import { NO_RECALL } from './page/recall.js'
import { type SignOutOptions, signOut } from './page/sign-out.js'
import { startWorker, type WorkerLinkOptions } from './page/worker-link.js'
import type { StorageMode } from './storage/open-storage.js'
import { createStore, type Store } from './store.js'
import { checkStoreName } from './store-name.js'

export interface DustOptions {
  /** The server's WebSocket URL: `wss://host/ws/sync`. */
  readonly url: string
  /**
   * Kept in memory only. A function is asked for each connection, before a token expires that says when, and when the
   * server turns one down (see {@link Token}).
   */
  readonly token: Token
  /**
   * The instance, `default` by default: 1…64 letters, digits, `-` and `_`. Tabs with the same name share one
   * replica and one connection; instances with different names do not see each other.
   */
  readonly name?: string | undefined
  /**
   * Who is signed in, if several people may use this browser: any text that names the account. Each gets a replica and
   * an outbox of their own. Instances with different URLs never share either.
   */
  readonly user?: string | undefined
  /** The wire format; `json` by default. */
  readonly format?: 'json' | 'msgpack' | undefined
  /** Where the worker's file is served, when the bundler does not find it (docs/bundlers.md). */
  readonly workerUrl?: string | URL | undefined
  /** Where `sqlite3.wasm` is served, when it is not beside the worker. */
  readonly wasmUrl?: string | URL | undefined
  /**
   * - `auto`, by default: the best that the browser has. Where nothing can be kept, memory; `status().storage` says so.
   * - `require-persistent`: rather fail, with a StorageError `not_persistent`, than keep nothing, also where another
   *   tab that leads does not require it.
   * - `indexeddb`: without the origin's private file system.
   * - `memory`: nothing is kept on this device. Tabs that want this share nothing with tabs that do not.
   *
   * Otherwise tabs of one instance are served by whichever leads, from where that one keeps it: all should say the same.
   */
  readonly storage?: StorageMode | undefined
  /**
   * A newer version of the app runs in another tab and has taken over the local data: this page should be reloaded
   * when its user can bear it. Until then every call is refused with this error. Writes that were not sent are kept.
   */
  readonly onUpdateNeeded?: ((error: UpdateNeededError) => void) | undefined
  /** Another tab has called `destroy()`, as when its user signed out there. Every call is refused with this error. */
  readonly onDestroyed?: ((error: DestroyedError) => void) | undefined
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
   * asks for it. Writes that were held for want of a token go out. Called again and again, as in answer to each
   * refusal, it keeps to growing distances of up to half a minute.
   */
  reconnect(): void
  /**
   * Asks the browser not to remove this site's data when the disk gets full; some browsers ask the user. Best called
   * from a click. Resolves with its answer, which `status().storage.persisted` tells from then on; null where it
   * cannot be asked.
   */
  persist(): Promise<boolean | null>
  /** Resolves when nothing is left running. Writes that are durable and not yet sent will be sent next time. */
  close(): Promise<void>
  /**
   * Removes everything that this instance keeps on this device, writes that were not sent included: when a user signs
   * out. It is closed in all tabs, which are told by `onDestroyed`. The server's data stays.
   * @throws UnavailableError when something could not be removed, because a tab that does not respond holds it;
   * `fields.left` says what. Called again, it goes on.
   */
  destroy(): Promise<void>
  /**
   * Signs the user out: like `destroy`, but says what becomes of writes that were not sent.
   * @throws PendingWritesError when `flush` would lose something; nothing has been removed then.
   * @example
   * await dust.signOut({ pending: 'flush' })
   */
  signOut(options: SignOutOptions): Promise<void>
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
  user: {
    must: 'a text of 1…256 characters',
    test: (value) => typeof value === 'string' && value.length >= 1 && value.length <= 256,
  },
  format: oneOf('json', 'msgpack'),
  workerUrl: aUrl,
  wasmUrl: aUrl,
  storage: oneOf('auto', 'require-persistent', 'indexeddb', 'memory'),
  onUpdateNeeded: aFunction,
  onDestroyed: aFunction,
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
  const { token, wasmUrl, storage = 'auto' } = options
  const instance = instanceKey(options.name ?? 'default', options.url, options.user, storage)
  const worker: WorkerLinkOptions = {
    workerUrl: options.workerUrl,
    config: {
      instance,
      url: options.url,
      format: options.format ?? 'json',
      storage,
      wasmUrl: wasmUrl === undefined ? null : new URL(wasmUrl, location.href).href,
    },
    getToken: createTokenReader(token, Date.now),
  }
  const connection = connect({
    openWorker: (handlers, restored) => startWorker(worker, handlers, restored),
    recall: storage === 'memory' ? NO_RECALL : createBrowserRecall(instance),
    watchPage,
    onEnded(error) {
      if (error instanceof UpdateNeededError) options.onUpdateNeeded?.(error)
      if (error instanceof DestroyedError) options.onDestroyed?.(error)
    },
    setTimer(ms, run) {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
    now: Date.now,
    random: Math.random,
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
    persist: () => persist(connection),
    close: connection.close,
    destroy: connection.destroy,
    signOut: (options) => signOut({ connection, synced: operations.synced }, options),
  }
}

async function persist({ persistenceChanged }: Connection): Promise<boolean | null> {
  // Not everywhere that a worker runs: insecure contexts and old browsers have none.
  const storage: Partial<StorageManager> | undefined = globalThis.navigator?.storage
  if (typeof storage?.persist !== 'function') return null
  try {
    const granted = await storage.persist()
    persistenceChanged()
    return granted
  } catch {
    // Refused without being asked, as in some private windows.
    return null
  }
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

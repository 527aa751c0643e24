import type { ErrorData } from '@dustlayer/protocol'
import type { IssuedToken } from '@dustlayer/sync'
import type { StorageMode } from '../storage/open-storage.js'
import type { Call, CallResult } from '../tab/calls.js'
import type { News } from '../tab/news.js'
import type { Hello, PageSignal } from '../tab/tab-protocol.js'

/** What the page tells its worker to begin with. */
export interface WorkerConfig {
  /** As `instanceKey` makes it. */
  readonly instance: string
  readonly url: string
  readonly format: 'json' | 'msgpack'
  readonly storage: StorageMode
  /** Null: beside the worker's own file. */
  readonly wasmUrl: string | null
}

/** The worker's functions as the page calls them, through Comlink. */
export interface WorkerApi {
  /**
   * `notices` is the worker's end of the port on which it posts {@link Notice}s and the page receipts.
   * `restored` is what a worker before this one had registered. True: it holds the lock `life` until it ends.
   */
  start(
    config: WorkerConfig,
    life: string,
    notices: MessagePort,
    getToken: () => Promise<IssuedToken | null>,
    restored: Hello | undefined,
  ): Promise<boolean>
  /** `again`: a worker before this one may have passed the calls on. */
  calls(batch: readonly Call[], again: boolean): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  wait(ms: number): Promise<void>
  pause(paused: boolean): void
  /** Answers, if the worker is alive. */
  ping(): void
  /** Hands everything over to other tabs, until `resume`. */
  suspend(): Promise<void>
  resume(): void
  /** Resolves when nothing is held any more. */
  close(): Promise<void>
  /** Removes the instance's data: undefined when everything is gone, else why not. */
  destroy(): Promise<ErrorData | undefined>
}

/** What the worker tells its page unasked; what the page tells it unasked are receipts. */
export type Notice =
  | { readonly kind: 'news'; readonly news: News }
  | { readonly kind: 'leading'; readonly leading: boolean }
  /** Whether there is a tab that serves this page, and that is heard of. */
  | { readonly kind: 'served'; readonly served: boolean }
  /** The worker may answer nothing for so many milliseconds, although nothing is wrong with it; 0: no longer. */
  | { readonly kind: 'busy'; readonly forMs: number }
  | { readonly kind: 'problem'; readonly error: ErrorData }
  /** Whose local copy the page shows from now on, see `Hello`: a worker that takes this one's place is told. */
  | { readonly kind: 'device'; readonly device: string | null }
  /** The worker no longer leads, and could not give its files back: they are free only once it has ended. */
  | { readonly kind: 'unclosed'; readonly error: ErrorData }
  /** The worker is to be replaced; nothing is wrong with it. */
  | { readonly kind: 'restart' }
  /** The worker has left its instance for good. */
  | { readonly kind: 'ended'; readonly error: ErrorData }

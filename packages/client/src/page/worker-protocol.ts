import type { ErrorData } from '@dustlayer/protocol'
import type { Call, CallResult, News, PageSignal } from '../tab/tab-protocol.js'

/** What the page tells its worker to begin with. */
export interface WorkerConfig {
  readonly instance: string
  readonly url: string
  readonly format: 'json' | 'msgpack'
  readonly storage: 'auto' | 'memory'
  /** Null: beside the worker's own file. */
  readonly wasmUrl: string | null
}

/** The worker's functions as the page calls them, through Comlink. */
export interface WorkerApi {
  /** `notices` is the worker's end of the port on which it posts {@link Notice}s. */
  start(config: WorkerConfig, notices: MessagePort, getToken: () => Promise<string>): void
  calls(batch: readonly Call[]): Promise<readonly CallResult[]>
  signal(signal: PageSignal): void
  pause(paused: boolean): void
  /** Hands everything over to other tabs, until `resume`. */
  suspend(): Promise<void>
  resume(): void
  /** Resolves when nothing is held any more. */
  close(): Promise<void>
}

/** What the worker tells its page unasked. */
export type Notice =
  | { readonly kind: 'news'; readonly news: News }
  | { readonly kind: 'leading'; readonly leading: boolean }
  | { readonly kind: 'problem'; readonly error: ErrorData }

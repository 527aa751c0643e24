import type { DustError } from '@dustlayer/protocol'
import type { PreciousChange, SqliteDriver } from '@dustlayer/replica'
import type { StorageInfo } from '../tab/status-report.js'

/** On what terms a leader has its storage. */
export interface StorageTerms {
  /** Grows with each leader of the instance, also over restarts. Who has a lower one must not write any more. */
  readonly epoch: number
  /** Aborts when this tab must not lead any more; then nothing is waited for. */
  readonly signal: AbortSignal
  /** The files are held by a page that does not let go; they are waited for. */
  onWaiting(error: DustError): void
  /** What is open must be closed and opened again, still under the lock. Nothing that is under way may be answered. */
  onFault(fault: StorageFault): void
}

/** Where the leader keeps its databases, one for each store. */
export interface Storage {
  /** Whether what is in it outlives the tabs. */
  readonly persistent: boolean
  /** Opens the store's database, creating it when it is not there and replacing it when it is damaged. */
  open(store: string): Promise<StoreDatabase>
  /** The stores that have a database here. */
  stores(): readonly string[]
  /** The browser may have been asked for a promise since it was last asked what it has promised. */
  refresh(): Promise<void>
  /** Releases all handles. The drivers must be closed before. */
  close(): Promise<void>
}

/** One store's database, open. */
export interface StoreDatabase {
  readonly driver: SqliteDriver
  info(): StorageInfo
  /** As in DatabaseFile. */
  durable(): Promise<void> | null
  /** As in DatabaseFiles; for writes of this device's user only. */
  makeRoom(error: unknown): boolean
  /**
   * What the driver threw when what the server sends did not fit, as a Dust error; undefined when it was something
   * else. At once, with what the browser told of the room the last time.
   */
  noRoom(error: unknown): DustError | undefined
  /** What the driver threw, as a Dust error that says what is known. */
  explain(error: unknown): Promise<Error>
  /**
   * The replica could not be opened on it. Unless that has another reason, the database is damaged: the storage fails,
   * and the next one begins it anew.
   */
  condemn(error: unknown): void
  /** A transaction has changed rows that no server can give back. */
  preciousChanged(change: PreciousChange): void
  /** The replica is level with the server: what was set aside for it is of no more use. */
  complete(): void
}

/** Why what is open cannot be used on; all of it must be closed, and opened again. */
export interface StorageFault {
  /** `unwritten`: writes were refused that show already. The others as in FaultKind and Recovery. */
  readonly kind: 'damaged' | 'broken' | 'evicted' | 'unwritten'
  readonly error: unknown
}

import type { SqliteDriver } from '@dustlayer/replica'
import type { StorageInfo } from '../tab/status-report.js'

/** The databases in one kind of storage, by name. The caller holds the instance's lock for as long as they are open. */
export interface DatabaseFiles {
  readonly kind: StorageInfo['kind']
  /** Those that are there. */
  names(): readonly string[]
  /** Opens a database, creating it when it is not there. */
  open(name: string): Promise<DatabaseFile>
  /** Opens a damaged database for reading what can be read. */
  openDamaged(name: string): Promise<SqliteDriver>
  /** Deletes a database that is not open. */
  remove(name: string): Promise<void>
  /**
   * After a write for which there was no room: gives up what is kept in reserve for that, if there is any left.
   * True: try again.
   */
  makeRoom(): boolean
  /** Whether there is room for what could be done without, as far as can be told. */
  readonly roomy: boolean
  /** Whether they are still there, as far as the browser tells; false when the ledger's loss is theirs as well. */
  present(): Promise<boolean>
  /** Releases all handles. The drivers must be closed before. */
  close(): Promise<void>
  /**
   * In place of `close` when the browser has removed the files: Chromium never returns from closing a handle of a
   * file that it removed with the site's data.
   */
  abandon(): void
}

export interface DatabaseFile {
  readonly driver: SqliteDriver
  /** Whoever had it open last did not close it. */
  readonly unclean: boolean
  /**
   * When all that is committed now is on the disk; null when it is already.
   * @throws StorageError (rejects) when it could not be put there. What is open then is ahead of the disk for good.
   */
  durable(): Promise<void> | null
}

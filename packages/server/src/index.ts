export type { Administration } from './administration.js'
export type { Catalog, StoreDirectory, StoreRecord, TokenRecord, TokenTable, UploadIndex } from './catalog.js'
export { type Clock, systemClock } from './clock.js'
export { type CompactionPolicy, compactionPolicy, DEFAULT_COMPACTION } from './compaction-policy.js'
export { type DataDir, type DataDirOptions, openDataDir } from './data-dir.js'
export type { Broadcast } from './event-frame.js'
export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from './log.js'
export { type Follower, type OpenStore, type OpenStoreOptions, openStore } from './open-store.js'
export type { Reply } from './reply.js'
export { pathRollbackJob, storeRollbackJob } from './rollback-job.js'
export { type Scheduler, systemScheduler } from './scheduler.js'
export { parseScopes, SCOPES, type Scope } from './scope.js'
export {
  createSequencer,
  type Job,
  type JobResult,
  type Sequencer,
  type SequencerOptions,
} from './sequencer.js'
export { createServer, type DustServer, type ServerOptions } from './server.js'
export type { Synchronous } from './sqlite/database.js'
export { createSqliteEngine, type SqliteEngineOptions } from './sqlite/store-file.js'
export type {
  CurrentEntries,
  DeviceCursor,
  DeviceTable,
  EntryTable,
  FileTable,
  History,
  Identity,
  KnownJson,
  LoggedOp,
  OpLog,
  PageSize,
  ReceiptKey,
  Receipts,
  SnapshotInfo,
  SnapshotLeaf,
  SnapshotPage,
  StorageEngine,
  StoredFile,
  StoreStorage,
} from './storage.js'
export { createStoreHub, type StoreHub, type StoreHubOptions } from './store-hub.js'
export type { CreatedToken, NewToken } from './token.js'
export { type Limits, writeJob } from './write-job.js'
export type { Origin, WriteSession } from './write-session.js'

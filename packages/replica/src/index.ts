export { DamagedRowError } from './damage.js'
export type { CheckProblem, CheckReport } from './doctor.js'
export type { SqliteDriver, SqlValue } from './driver.js'
export type { DustEvent, EventCause, Verdict } from './events.js'
export type { ExportedEntry, ExportedOp, ReplicaExport } from './export.js'
export { type FoldedLeaf, type FoldState, foldEvent } from './fold-event.js'
export { type EventMode, type Interest, interestOf, wantsEvent } from './interest.js'
export type { ListOptions, PageData } from './listing.js'
export type { LocalOp } from './local-op.js'
export { createPathTrie, type PathTrie } from './path-trie.js'
export {
  isBehind,
  isOfThisVersion,
  type PreciousChange,
  type PreciousMark,
  type PreciousSheet,
  type PreciousTable,
  preciousMark,
  preciousPositions,
  readPrecious,
  remembersSince,
  rowsOfSheets,
} from './precious.js'
export type { RejectedWrite } from './rejections.js'
export {
  type EventListener,
  type ForetoldListener,
  openReplica,
  type PendingReport,
  type Replica,
  type ReplicaOptions,
} from './replica.js'
export {
  adoptSalvage,
  preciousFault,
  type Restored,
  restoreReplica,
  type Salvage,
  salvageReplica,
  salvageRows,
} from './rescue.js'
export { mergeSalvages } from './rescue-merge.js'
export { SCHEMA_VERSION } from './schema.js'
export { isUnwritten, schemaFault } from './schema-shape.js'
export { createSortedPaths, firstAtOrAfter, type SortedPaths } from './sorted-paths.js'
export { finish, type Steps } from './steps.js'
export type { BatchMark, OutboxOp, ServerInfo, SnapshotEntry, SyncPort } from './sync-port.js'
export type { Touched } from './touched.js'
export type { EntryData, ReadData } from './visible.js'
export type { LocalBatch } from './writes.js'

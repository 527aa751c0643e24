import type { Digest, Effect, Entry, EntryReader, JsonValue, OpName } from '@dustlayer/protocol'

/** An accepted op as the log keeps it: materialised, so that replaying it needs no other state. */
export interface LoggedOp {
  readonly seq: number
  readonly op: OpName
  readonly path: string
  /** The materialised value as JSON text: it goes to disk and into frames without being parsed in between. */
  readonly valueJson: string
  readonly deviceId: string
  readonly clientOpId: string
  /** Epoch milliseconds. */
  readonly insertedAt: number
}

/** The leaves of one store. */
export interface EntryTable extends EntryReader {
  /** Leaves in path byte order: all of them, or those strictly below `base`. */
  scan(base?: string): Iterable<Entry>
  /** Carries out effects; every leaf they put gets `seq`. `known` saves printing a value that has been printed. */
  apply(effects: readonly Effect[], seq: number, known?: KnownJson): void
  count(): number
}

/** A value and its JSON text. */
export interface KnownJson {
  readonly value: JsonValue
  readonly json: string
}

/** The leaves that the ops so far have led to. */
export interface CurrentEntries extends EntryTable {
  /** The digest of all leaves, kept up to date with every change. */
  digest(): Digest
}

/** The accepted ops of one store since its snapshot, without gaps. */
export interface OpLog {
  /** The newest store_seq, 0 when nothing was ever written. Compaction does not change it. */
  head(): number
  /** The oldest op that is still there, null when the log is empty. */
  first(): number | null
  /** When the op was accepted, epoch milliseconds; undefined when it is not there. */
  insertedAt(seq: number): number | undefined
  append(op: LoggedOp): void
  /** Ops after `seq` in order: at most `limit` of them, and no more once `maxBytes` of values are reached. */
  after(seq: number, limit: number, maxBytes: number): LoggedOp[]
  latest(limit: number): LoggedOp[]
}

export interface SnapshotInfo {
  readonly seq: number
  /** Epoch milliseconds. */
  readonly takenAt: number
}

/** A leaf of a snapshot, its value as JSON text. */
export interface SnapshotLeaf {
  readonly path: string
  readonly valueJson: string
  readonly type: string
  readonly seq: number
}

/** A part of the snapshot in path order. */
export interface SnapshotPage {
  readonly leaves: readonly SnapshotLeaf[]
  /** Nothing of the snapshot comes after it. */
  readonly last: boolean
}

/** How much to do or to read at once. */
export interface PageSize {
  readonly count: number
  /** Of values and paths; the last item may go beyond it. */
  readonly bytes: number
}

/** The state that replaced the beginning of the log, and states derived from it. */
export interface History {
  snapshot(): SnapshotInfo | null
  snapshotLeaves(): Iterable<SnapshotLeaf>
  /** Leaves after the path `after`, from the first one when it is null. */
  snapshotPage(after: string | null, size: PageSize): SnapshotPage
  /** Replaces the log up to the head by a snapshot of the entries. Null when the log is empty. */
  compact(now: number): SnapshotInfo | null
  /**
   * Moves the oldest ops from the log into the snapshot, none after `through` and at most `size`, in one transaction.
   * The new snapshot; null when there was nothing to move.
   */
  fold(through: number, size: PageSize, now: number): SnapshotInfo | null
  /** The leaves as they were after `seq`, in path order; with `path`, only that one and those below it. */
  entriesAt(seq: number, path?: string): Entry[]
}

/** Identifies one sending of an op: the same key means the very same op of the same device. */
export interface ReceiptKey {
  readonly deviceId: string
  readonly clientOpId: string
  /** Of everything else that the op says. */
  readonly fingerprint: string
}

/** The first replies to ops, for resends of them. Bounded: the oldest are forgotten. */
export interface Receipts {
  find(key: ReceiptKey): JsonValue | undefined
  add(key: ReceiptKey, reply: JsonValue): void
}

export interface StoredFile {
  /** `sha256:` and 64 hex digits. */
  readonly hash: string
  readonly size: number
  readonly contentType: string
  readonly filename: string | null
}

/** Which uploaded blobs belong to the store. */
export interface FileTable {
  /** The first upload of a hash decides its content type and name. */
  add(file: StoredFile): void
  /** A blob that was uploaded to this store and that an entry still refers to. */
  referenced(hash: string): StoredFile | undefined
  /** Bytes of the distinct blobs that entries refer to. */
  totalBytes(): number
}

/** Which history of the store this is, so that clients notice when it was replaced by another. */
export interface Identity {
  /** Random, made with the store. */
  incarnation(): string
  /** Gives the store another incarnation, as after a restore from a backup, and forgets what devices acknowledged. */
  renew(): string
}

/** How far a device has everything, by its own word. */
export interface DeviceCursor {
  readonly deviceId: string
  readonly seq: number
  /** Epoch milliseconds. */
  readonly seenAt: number
}

/** The cursors of devices, the most recent ones. */
export interface DeviceTable {
  list(): DeviceCursor[]
  /** Adds or replaces these, and forgets the longest unseen beyond `most`. */
  save(cursors: readonly DeviceCursor[], most: number): void
}

/**
 * Everything one store keeps, in one engine. All calls are synchronous; outside a transaction they see what is
 * committed. Two engines must not have the same store open for writing.
 */
export interface StoreStorage {
  readonly identity: Identity
  readonly entries: CurrentEntries
  readonly log: OpLog
  readonly history: History
  readonly receipts: Receipts
  readonly files: FileTable
  readonly devices: DeviceTable
  /** All or nothing. Durable when it returns, as far as the engine's configuration promises. */
  transaction<T>(body: () => T): T
  /** A part of a transaction that is undone by itself when the body throws; what it throws is thrown on. */
  nested<T>(body: () => T): T
  sizeBytes(): number
  close(): void
}

/** Opens stores by name; the seam for other engines. */
export interface StorageEngine {
  /** @throws StorageError when the store cannot be opened, or was written by a newer version. */
  open(org: string, name: string): StoreStorage
}

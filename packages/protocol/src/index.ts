export { type Codec, createMsgpackCodec, jsonCodec } from './codec.js'
export {
  addDigest,
  type Digest,
  digestText,
  EMPTY_DIGEST,
  entryDigest,
  parseDigest,
  subtractDigest,
} from './digest.js'
export { type AcceptedOp, type Effect, eventEffects } from './effects.js'
export { type ErrorData, errorFromData, errorToData } from './error-data.js'
export {
  AuthorizationError,
  BatchError,
  BatchUnsupportedError,
  ClosedError,
  ConflictError,
  DestroyedError,
  DustError,
  type ErrorFields,
  ExistsError,
  FrameError,
  InvalidValueError,
  LeaseError,
  OptionError,
  OutboxFullError,
  PathError,
  type PathErrorCode,
  PatternError,
  PendingWritesError,
  RateLimitedError,
  RejectedError,
  type Rejection,
  ResyncRequiredError,
  SingleFlightAbortedError,
  SingleFlightTimeoutError,
  StorageError,
  type StorageErrorCode,
  UnavailableError,
  UpdateNeededError,
} from './errors.js'
export {
  type BatchPayload,
  type BatchReply,
  MAX_BATCH_OPS,
  type ParsedBatch,
  parseBatch,
  parseBatchReply,
  refusedOpIndex,
  toBatchPayload,
} from './extensions/batch.js'
export { type DigestReply, parseDigestReply } from './extensions/digest-reply.js'
export { type EventBatchPayload, splitEventBatch } from './extensions/event-batch.js'
export {
  type ExtendedJoinPayload,
  type ExtendedJoinReply,
  type JoinExtensions,
  type JoinReplyExtensions,
  parseJoinExtensions,
  parseJoinReplyExtensions,
  type SnapshotResume,
} from './extensions/join.js'
export { EXTENSIONS, type ExtensionName, knownExtensions } from './extensions/names.js'
export {
  CHUNK_TARGET_BYTES,
  decodeSnapshotChunk,
  MAX_CHUNK_ENTRIES,
  type SnapshotChunkEntry,
  type SnapshotChunkPayload,
} from './extensions/snapshot-chunk.js'
export { type ExtGlob, extglob } from './extglob.js'
export {
  type AckSeqPayload,
  type CatchUpCompletePayload,
  decodeStoreEvent,
  type Frame,
  type FramePayload,
  type JoinPayload,
  type JoinReply,
  type OpName,
  type Permissions,
  type PutFilePayload,
  type PutFileReply,
  parseFrame,
  type Ref,
  type ReleaseNoopReply,
  type Reply,
  type RollbackPayload,
  type RollbackReply,
  type SnapshotPayload,
  type StatusReply,
  type StoreAccess,
  type StoreEventPayload,
  type StoreRollbackPayload,
  type StoreRollbackReply,
  type WritePayload,
  type WriteReply,
} from './frame.js'
export { type Pattern, type PatternInput, parseGivenPattern } from './glob.js'
export { type JsonValue, parseJson, stringifyJson } from './json.js'
export { changeMembers, membersOf } from './members.js'
export { type Fence, type Op, type ParsedWrite, parseWrite, toWritePayload, type WriteOpName } from './op.js'
export {
  ancestorsOf,
  childPath,
  compareUtf8,
  descendantRange,
  isAncestor,
  MAX_PATH_DEPTH,
  normalizePath,
  type PathInput,
  parentPath,
  parsePath,
  renderPath,
  type Segments,
} from './path.js'
export { parsePattern } from './pattern.js'
export { createPatternIndex, type PatternIndex } from './pattern-index.js'
export { type Entry, type EntryReader, type Plan, type PlanContext, planOp } from './plan.js'
export { errorFromRejection, type RejectionTarget } from './rejection.js'
export { MAX_VALUE_DEPTH } from './stored-value.js'
export {
  assemble,
  type EntryType,
  equalValues,
  flatten,
  isEntryType,
  isEnvelope,
  isObject,
  isPlainMap,
  type JsonMap,
  type Leaf,
  typeOf,
  unwrapScalar,
} from './value.js'
export { DateTime } from './values/date-time.js'
export { Decimal } from './values/decimal.js'
export { FileRef } from './values/file-ref.js'
export { LeaseValue } from './values/lease-value.js'
export { MAX_LEAF_BYTES, toJsonValue, toLeafValue } from './values/to-json-value.js'
export { toValue } from './values/to-value.js'
export type { Value } from './values/value-type.js'

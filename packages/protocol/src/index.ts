export { checkValue, MAX_VALUE_DEPTH } from './check-value.js'
export { type Codec, createMsgpackCodec, jsonCodec } from './codec.js'
export { type AcceptedOp, type Effect, eventEffects } from './effects.js'
export { type ErrorData, errorFromData, errorToData } from './error-data.js'
export {
  AuthorizationError,
  ClosedError,
  ConflictError,
  DustError,
  type ErrorFields,
  ExistsError,
  FrameError,
  InvalidValueError,
  LeaseError,
  OptionError,
  PathError,
  type PathErrorCode,
  PatternError,
  RateLimitedError,
  RejectedError,
  type Rejection,
  StorageError,
  UnavailableError,
} from './errors.js'
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
export { type JsonValue, parseJson, stringifyJson } from './json.js'
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
export { type Pattern, type PatternInput, parsePattern } from './pattern.js'
export { createPatternIndex, type PatternIndex } from './pattern-index.js'
export { type Entry, type EntryReader, type Plan, type PlanContext, planOp } from './plan.js'
export { errorFromRejection, type RejectionTarget } from './rejection.js'
export {
  assemble,
  type EntryType,
  equalValues,
  flatten,
  isEnvelope,
  isObject,
  isPlainMap,
  type JsonMap,
  type Leaf,
  typeOf,
  unwrapScalar,
} from './value.js'

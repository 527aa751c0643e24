export {
  AuthorizationError,
  BatchError,
  BatchUnsupportedError,
  ClosedError,
  ConflictError,
  DateTime,
  Decimal,
  DestroyedError,
  DustError,
  type EntryType,
  ExistsError,
  type ExtGlob,
  extglob,
  FileRef,
  InvalidValueError,
  type JsonValue,
  LeaseError,
  LeaseValue,
  OptionError,
  OutboxFullError,
  PathError,
  type PathInput,
  PatternError,
  type PatternInput,
  PendingWritesError,
  RateLimitedError,
  RejectedError,
  ResyncRequiredError,
  SingleFlightAbortedError,
  SingleFlightTimeoutError,
  StorageError,
  type StorageErrorCode,
  UnavailableError,
  UpdateNeededError,
  type Value,
} from '@dustlayer/protocol'
export { createDust, type Dust, type DustOptions } from './create-dust.js'
export type { BatchBuilder, BatchOptions } from './operations/batch.js'
export type { DoctorReport, StoreExport, SyncedOptions } from './operations/care.js'
export type { LeaseOptions, RenewOptions } from './operations/lease.js'
export type { Entry } from './operations/read.js'
export type { RejectedWrite, RetryOptions } from './operations/rejections.js'
export type { Operations } from './operations.js'
export type { DustEvent, PresentEvent, WatchEvent } from './page/events.js'
export type { LiveResult } from './page/live.js'
export type { Page } from './page/page-of.js'
export type { Token, TokenAnswer } from './page/read-token.js'
export type { SignOutOptions } from './page/sign-out.js'
export type {
  Aborted,
  Flight,
  FlightFunction,
  FlightResult,
  Outcome,
  Published,
} from './page/single-flight/flight-world.js'
export type { SingleFlightOptions } from './page/single-flight/single-flight.js'
export type { StoreStatus } from './page/status.js'
export type {
  EnumSelect,
  GetOptions,
  ListingOptions,
  LiveOptions,
  RangeSelect,
  SubscribeOptions,
} from './page/store-options.js'
export type { Off } from './page/subscribers.js'
export type { DeleteOptions, PutOptions, WriteOptions } from './page/write-options.js'
export type { BatchWrite, Committed, Write, WriteReceipt } from './page/writes.js'
export type { Recovery } from './storage/ledger.js'
export type { StorageMode } from './storage/open-storage.js'
export type { Store } from './store.js'
export type { Lease, SubscriptionMode } from './tab/calls.js'
export type { StorageInfo } from './tab/status-report.js'

export {
  AuthorizationError,
  ClosedError,
  ConflictError,
  DustError,
  type EntryType,
  ExistsError,
  type ExtGlob,
  extglob,
  InvalidValueError,
  type JsonValue,
  LeaseError,
  OptionError,
  PathError,
  type PathInput,
  PatternError,
  type PatternInput,
  RateLimitedError,
  RejectedError,
  StorageError,
  UnavailableError,
} from '@dustlayer/protocol'
export { createDust, type Dust, type DustOptions, type Token } from './create-dust.js'
export type { Entry, Operations, WatchEvent } from './operations.js'
export type { DustEvent, PresentEvent } from './page/events.js'
export type { Page } from './page/page-of.js'
export type { StoreStatus } from './page/status.js'
export type {
  DeleteOptions,
  EnumSelect,
  ListingOptions,
  PutOptions,
  RangeSelect,
  SubscribeOptions,
} from './page/store-options.js'
export type { Off } from './page/subscribers.js'
export type { Committed, Write, WriteReceipt } from './page/writes.js'
export type { Store } from './store.js'
export type { StorageInfo, SubscriptionMode } from './tab/tab-protocol.js'

import type { JsonValue } from './json.js'

/** Plain facts that travel with an error: paths, revisions, scopes. */
export type ErrorFields = { readonly [name: string]: JsonValue }

/**
 * What a server or a local plan answers to an op that it does not accept.
 * `reason` comes from the catalogue in the wire protocol (spec/wire.md §10); other fields depend on it.
 */
export interface Rejection {
  readonly reason: string
  readonly [field: string]: JsonValue
}

/** The base of every error of Dust. `code` is stable and documented, the message is not. */
export class DustError extends Error {
  // Written out, here and below, because minifiers rename classes.
  override readonly name: string = 'DustError'
  readonly code: string
  readonly fields: ErrorFields

  constructor(code: string, message: string, fields: ErrorFields = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.fields = fields
  }
}

export type PathErrorCode =
  | 'empty_path'
  | 'empty_segment'
  | 'invalid_escape'
  | 'invalid_surrogate'
  | 'not_a_string'
  | 'not_a_list'

/** A path that cannot be parsed (spec/semantics.md §1). */
export class PathError extends DustError {
  override readonly name: string = 'PathError'

  constructor(code: PathErrorCode, message: string) {
    super(code, message)
  }
}

/** A pattern that cannot be parsed (spec/semantics.md §2). */
export class PatternError extends DustError {
  override readonly name: string = 'PatternError'

  constructor(code: PathErrorCode | 'wildcard_many_not_tail' | 'invalid_extglob', message: string) {
    super(code, message)
  }
}

/** A message on the wire that is not a Dust frame. */
export class FrameError extends DustError {
  override readonly name: string = 'FrameError'

  constructor(message: string, options?: ErrorOptions) {
    super('bad_frame', message, {}, options)
  }
}

/** A value that cannot be stored; `fields.at` is the inner path of the offending part. */
export class InvalidValueError extends DustError {
  override readonly name: string = 'InvalidValueError'

  /** `at` is the inner path of what is wrong, '' for the value itself. */
  constructor(message: string, at: string, fields: ErrorFields = {}) {
    super('invalid_value', message, { ...fields, at })
  }
}

/** An option that is unknown, misspelt or of the wrong type. */
export class OptionError extends DustError {
  override readonly name: string = 'OptionError'

  constructor(message: string, fields: ErrorFields = {}) {
    super('invalid_option', message, fields)
  }
}

/** `ifMatch` did not hold. `currentRevision` is the entry's revision now, null when there is none, undefined when unknown. */
export class ConflictError extends DustError {
  override readonly name: string = 'ConflictError'
  readonly currentRevision: number | null | undefined

  constructor(message: string, currentRevision?: number | null, fields: ErrorFields = {}) {
    super('conflict', message, fields)
    this.currentRevision = currentRevision
  }
}

/** `ifAbsent` did not hold. */
export class ExistsError extends DustError {
  override readonly name: string = 'ExistsError'
  readonly currentRevision: number | null | undefined

  constructor(message: string, currentRevision?: number | null, fields: ErrorFields = {}) {
    super('exists', message, fields)
    this.currentRevision = currentRevision
  }
}

/** The token may not do this: `unauthorized`, `missing_scope` or `store_not_allowed`. */
export class AuthorizationError extends DustError {
  override readonly name: string = 'AuthorizationError'
  readonly scope: string | undefined

  constructor(code: string, message: string, scope?: string, fields: ErrorFields = {}) {
    super(code, message, fields)
    this.scope = scope
  }
}

/** The server asks to slow down. */
export class RateLimitedError extends DustError {
  override readonly name: string = 'RateLimitedError'

  /** Milliseconds to wait before the next attempt. */
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs: number, fields: ErrorFields = {}) {
    super('rate_limited', message, fields)
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * A lease could not be had or kept: `held`, `occupied`, `not_held` or `fenced`; `unavailable` when there is no
 * connection to ask over (spec/semantics.md §9.8).
 */
export class LeaseError extends DustError {
  override readonly name: string = 'LeaseError'
}

/** Any other refusal of an op; `code` is the server's reason. */
export class RejectedError extends DustError {
  override readonly name: string = 'RejectedError'
}

/** The thing called has been closed. */
export class ClosedError extends DustError {
  override readonly name: string = 'ClosedError'

  constructor(message: string) {
    super('closed', message)
  }
}

/** The data of this instance has been removed from this device, by this tab or another: `dust.destroy()`. */
export class DestroyedError extends DustError {
  override readonly name: string = 'DestroyedError'

  constructor(message: string, fields: ErrorFields = {}) {
    super('destroyed', message, fields)
  }
}

/** A newer version of the app runs in another tab, and has taken the local data over: reload this one. */
export class UpdateNeededError extends DustError {
  override readonly name: string = 'UpdateNeededError'

  constructor(message: string, fields: ErrorFields = {}) {
    super('update_needed', message, fields)
  }
}

/** Writes that the server has not decided, or refused ones that nobody has looked at, would be lost. */
export class PendingWritesError extends DustError {
  override readonly name: string = 'PendingWritesError'

  constructor(
    message: string,
    fields: ErrorFields & { readonly pending: number; readonly rejected: number },
  ) {
    super('pending_writes', message, fields)
  }
}

/** What was asked needs a connection, a worker or a leader that is not there. */
export class UnavailableError extends DustError {
  override readonly name: string = 'UnavailableError'

  constructor(message: string, fields: ErrorFields = {}, options?: ErrorOptions) {
    super('unavailable', message, fields, options)
  }
}

/**
 * - `storage_failed`: the local database failed.
 * - `quota_exceeded`: there is no room for what was written. `fields.usage` and `fields.quota` say what the browser
 *   tells of them, in bytes, or null.
 * - `storage_busy`: another page still holds the files; it is tried again until they are free.
 * - `not_persistent`: this browser, or this window, can keep nothing, and the app has said that it must.
 */
export type StorageErrorCode = 'storage_failed' | 'quota_exceeded' | 'storage_busy' | 'not_persistent'

/** The local database cannot do what it must. */
export class StorageError extends DustError {
  override readonly name: string = 'StorageError'

  constructor(
    code: StorageErrorCode,
    message: string,
    { fields = {}, ...options }: ErrorOptions & { readonly fields?: ErrorFields } = {},
  ) {
    super(code, message, fields, options)
  }
}

/** The outbox holds as many ops as it may. `fields.limit` and `fields.count` tell how many. */
export class OutboxFullError extends DustError {
  override readonly name: string = 'OutboxFullError'

  constructor(message: string, fields: { limit: number; count: number }) {
    super('outbox_full', message, fields)
  }
}

/** The server cannot apply several ops as one, and the caller did not allow to send them one by one. */
export class BatchUnsupportedError extends DustError {
  override readonly name: string = 'BatchUnsupportedError'

  constructor(message: string, fields: ErrorFields = {}) {
    super('batch_unsupported', message, fields)
  }
}

/** An op had no effect because another op of its batch was refused: the one at `opIndex`, for `reason`. */
export class BatchError extends DustError {
  override readonly name: string = 'BatchError'

  /** `fields` may say more about where. */
  constructor(message: string, fields: { opIndex: number; reason: string; [name: string]: JsonValue }) {
    super('batch_rejected', message, fields)
  }
}

/** A single flight waited for its result as long as it may. */
export class SingleFlightTimeoutError extends DustError {
  override readonly name: string = 'SingleFlightTimeoutError'

  constructor(message: string, fields: ErrorFields = {}) {
    super('timeout', message, fields)
  }
}

/** The function of a single flight gave up; `reason` is what it said. */
export class SingleFlightAbortedError extends DustError {
  override readonly name: string = 'SingleFlightAbortedError'
  readonly reason: unknown

  constructor(message: string, reason?: unknown, fields: ErrorFields = {}) {
    super('aborted', message, fields)
    this.reason = reason
  }
}

/** A subscriber was too slow and has been dropped: it has missed events and must read anew. */
export class ResyncRequiredError extends DustError {
  override readonly name: string = 'ResyncRequiredError'

  constructor(message: string, fields: ErrorFields = {}) {
    super('resync_required', message, fields)
  }
}

import {
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
  ResyncRequiredError,
  SingleFlightAbortedError,
  SingleFlightTimeoutError,
  StorageError,
  type StorageErrorCode,
  UnavailableError,
  UpdateNeededError,
} from './errors.js'
import { isJsonValue } from './value.js'

/** An error as plain data, to cross a worker, a channel or a disk. {@link errorFromData} rebuilds the same class. */
export interface ErrorData {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly fields: ErrorFields
}

/** Any thrown thing as plain data; what is not a Dust error gets the code `internal`. */
export function errorToData(error: unknown): ErrorData {
  if (error instanceof DustError) {
    return { name: error.name, code: error.code, message: error.message, fields: fieldsOf(error) }
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { name: 'DustError', code: 'internal', message, fields: {} }
}

/** The error that {@link errorToData} described, as an instance of the same class. */
export function errorFromData(data: ErrorData): DustError {
  const rebuild = BUILDERS[data.name]
  return rebuild ? rebuild(data) : new DustError(data.code, data.message, data.fields)
}

/** Class-specific properties ride along as fields, so that one shape serves all classes. */
function fieldsOf(error: DustError): ErrorFields {
  const extra: { [name: string]: ErrorFields[string] } = {}
  for (const name of ['currentRevision', 'scope', 'retryAfterMs', 'reason']) {
    const value: unknown = Reflect.get(error, name)
    if (value !== undefined && isJsonValue(value)) extra[name] = value
  }
  return { ...error.fields, ...extra }
}

const BUILDERS: { readonly [name: string]: (data: ErrorData) => DustError } = {
  // The codes were produced by these very classes, so they are of the right union.
  PathError: ({ code, message }) => new PathError(code as PathErrorCode, message),
  PatternError: ({ code, message }) => new PatternError(code as PathErrorCode, message),
  FrameError: ({ message }) => new FrameError(message),
  InvalidValueError: ({ message, fields }) => new InvalidValueError(message, String(fields.at ?? ''), fields),
  OptionError: ({ message, fields }) => new OptionError(message, fields),
  ConflictError: ({ message, fields }) => new ConflictError(message, revision(fields), fields),
  ExistsError: ({ message, fields }) => new ExistsError(message, revision(fields), fields),
  AuthorizationError: ({ code, message, fields }) =>
    new AuthorizationError(
      code,
      message,
      typeof fields.scope === 'string' ? fields.scope : undefined,
      fields,
    ),
  RateLimitedError: ({ message, fields }) =>
    new RateLimitedError(message, Number(fields.retryAfterMs), fields),
  LeaseError: ({ code, message, fields }) => new LeaseError(code, message, fields),
  RejectedError: ({ code, message, fields }) => new RejectedError(code, message, fields),
  ClosedError: ({ message }) => new ClosedError(message),
  DestroyedError: ({ message, fields }) => new DestroyedError(message, fields),
  PendingWritesError: ({ message, fields }) =>
    new PendingWritesError(message, {
      ...fields,
      pending: Number(fields.pending),
      rejected: Number(fields.rejected),
    }),
  UpdateNeededError: ({ message, fields }) => new UpdateNeededError(message, fields),
  UnavailableError: ({ message, fields }) => new UnavailableError(message, fields),
  StorageError: ({ code, message, fields }) =>
    new StorageError(code as StorageErrorCode, message, { fields }),
  OutboxFullError: ({ message, fields }) =>
    new OutboxFullError(message, { ...fields, limit: Number(fields.limit), count: Number(fields.count) }),
  BatchUnsupportedError: ({ message, fields }) => new BatchUnsupportedError(message, fields),
  BatchError: ({ message, fields }) =>
    new BatchError(message, { ...fields, opIndex: Number(fields.opIndex), reason: String(fields.reason) }),
  SingleFlightTimeoutError: ({ message, fields }) => new SingleFlightTimeoutError(message, fields),
  SingleFlightAbortedError: ({ message, fields }) =>
    new SingleFlightAbortedError(message, fields.reason, fields),
  ResyncRequiredError: ({ message, fields }) => new ResyncRequiredError(message, fields),
}

function revision(fields: ErrorFields): number | null | undefined {
  const value = fields.currentRevision
  return typeof value === 'number' || value === null ? value : undefined
}

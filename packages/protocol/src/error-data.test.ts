import { describe, expect, it } from 'vitest'
import { errorFromData, errorToData } from './error-data.js'
import {
  AuthorizationError,
  BatchError,
  BatchUnsupportedError,
  ClosedError,
  ConflictError,
  DestroyedError,
  DustError,
  ExistsError,
  FrameError,
  InvalidValueError,
  LeaseError,
  OptionError,
  OutboxFullError,
  PathError,
  PatternError,
  PendingWritesError,
  RateLimitedError,
  RejectedError,
  ResyncRequiredError,
  SingleFlightAbortedError,
  SingleFlightTimeoutError,
  StorageError,
  UnavailableError,
  UpdateNeededError,
} from './errors.js'
import { parseJson, stringifyJson } from './json.js'

const where = { store: 'o/s', path: 'a' }

describe('errors as data', () => {
  it.each<[DustError]>([
    [new DustError('odd', 'message', where)],
    [new PathError('empty_path', 'message')],
    [new PatternError('wildcard_many_not_tail', 'message')],
    [new FrameError('message')],
    [new DestroyedError('message', where)],
    [new UpdateNeededError('message', { protocol: 4, schema: 3 })],
    [new InvalidValueError('message', 'a.b')],
    [new OptionError('message', where)],
    [new ConflictError('message', 3, where)],
    [new ConflictError('message', null)],
    [new ExistsError('message')],
    [new AuthorizationError('missing_scope', 'message', 'entries:write', where)],
    [new RateLimitedError('message', 1_500, where)],
    [new LeaseError('unavailable', 'message', where)],
    [new RejectedError('no_ops', 'message', where)],
    [new ClosedError('message')],
    [new UnavailableError('message', where)],
    [new StorageError('quota_exceeded', 'message', { fields: { usage: 1, quota: null } })],
    [new StorageError('not_persistent', 'message')],
    [new OutboxFullError('message', { limit: 10, count: 10 })],
    [new PendingWritesError('message', { pending: 2, rejected: 1 })],
    [new BatchUnsupportedError('message', where)],
    [new BatchError('message', { opIndex: 2, reason: 'conflict', ...where })],
    [new SingleFlightTimeoutError('message', where)],
    [new SingleFlightAbortedError('message', { why: 'no data' }, where)],
    [new ResyncRequiredError('message', where)],
  ])('%s comes back as an instance of its class with all it knew', (error) => {
    const data = errorToData(error)
    const travelled = parseJson(stringifyJson({ ...data }))
    // It was ErrorData, and JSON keeps all of it.
    const rebuilt = errorFromData(travelled as unknown as typeof data)
    expect(rebuilt).toBeInstanceOf(error.constructor)
    expect({ ...rebuilt, message: rebuilt.message }).toEqual({
      ...error,
      message: error.message,
      fields: data.fields,
    })
    expect(errorToData(rebuilt)).toEqual(data)
  })

  it('leaves behind a reason that is no data, and names what was thrown that is no Dust error', () => {
    expect(errorToData(new SingleFlightAbortedError('m', () => 1)).fields).toEqual({})
    expect(errorToData(new TypeError('x'))).toMatchObject({ code: 'internal', message: 'TypeError: x' })
    expect(errorToData('text')).toMatchObject({ code: 'internal', message: 'text' })
  })
})

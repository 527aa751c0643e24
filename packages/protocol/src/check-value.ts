import { InvalidValueError } from './errors.js'
import type { JsonValue } from './json.js'
import { isObject, type JsonMap } from './value.js'
import { isWellFormed } from './well-formed.js'

/** Maps and lists may be nested this deep; far beyond real data, far below any stack's limit. */
export const MAX_VALUE_DEPTH = 100

/** MessagePack carries integers from -2^63 to 2^64 - 1, so a store holds no others. */
const MIN_INTEGER = -(2n ** 63n)
const MAX_INTEGER = 2n ** 64n - 1n

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const DATETIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[T ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$/

/**
 * Refuses what cannot be stored or sent, before anything is written: undefined, NaN, infinities, functions,
 * symbols, class instances, cycles, lone surrogates, integers beyond 64 bits, malformed decimal and datetime
 * envelopes, and values nested more than {@link MAX_VALUE_DEPTH} deep.
 * @returns the same value, now known to be JSON.
 * @throws InvalidValueError whose message and `fields.at` name the offending inner path.
 */
export function checkValue(value: unknown): JsonValue {
  check(value, '', 0, [])
  return value as JsonValue
}

function check(value: unknown, at: string, depth: number, above: object[]): void {
  switch (typeof value) {
    case 'boolean':
      return
    case 'string':
      if (!isWellFormed(value)) refuse(at, 'a text with an unpaired surrogate, which has no UTF-8 form')
      return
    case 'number':
      if (!Number.isFinite(value)) refuse(at, `${value}, which JSON has no form for; use null or a string`)
      return
    case 'bigint':
      if (value < MIN_INTEGER || value > MAX_INTEGER) refuse(at, 'an integer beyond 64 bits; use a decimal')
      return
    case 'object':
      if (value !== null) checkContainer(value, at, depth, above)
      return
    case 'undefined':
      refuse(at, 'undefined; use null, or leave the key out')
      break
    default:
      refuse(at, `a ${typeof value}; store data only`)
  }
}

function checkContainer(value: object, at: string, depth: number, above: object[]): void {
  if (above.includes(value)) refuse(at, 'a reference to something that contains it (a cycle)')
  if (depth >= MAX_VALUE_DEPTH)
    refuse(at, `nested more than ${MAX_VALUE_DEPTH} deep; use paths for structure`)
  above.push(value)
  if (Array.isArray(value)) {
    // Array.from visits holes too, which forEach would skip.
    Array.from(value).forEach((item, i) => {
      check(item, `${at}[${i}]`, depth + 1, above)
    })
  } else {
    checkMap(value, at, depth, above)
  }
  above.pop()
}

function checkMap(value: object, at: string, depth: number, above: object[]): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const name = value.constructor?.name ?? 'object'
    refuse(at, `an instance of ${name}; convert it to JSON first`)
  }
  for (const [key, inner] of Object.entries(value)) {
    if (!isWellFormed(key)) refuse(at, 'a key with an unpaired surrogate, which has no UTF-8 form')
    check(inner, at === '' ? key : `${at}.${key}`, depth + 1, above)
  }
  const fault = envelopeFault(value as JsonMap)
  if (fault) refuse(at, fault.message)
}

function refuse(at: string, what: string): never {
  throw new InvalidValueError(`The value${at === '' ? '' : ` at ${at}`} is ${what}.`, at)
}

/** What is wrong with a decimal or datetime envelope, if anything. Other values have no faults of this kind. */
function envelopeFault(value: JsonMap): { reason: string; message: string } | undefined {
  if (!Object.hasOwn(value, '_typed') || !Object.hasOwn(value, '_type')) return undefined
  const text = value._typed
  if (value._type === 'decimal' && !(typeof text === 'string' && DECIMAL.test(text))) {
    return {
      reason: 'invalid_decimal',
      message: `a decimal whose text ${JSON.stringify(text)} is not a decimal number`,
    }
  }
  if (value._type === 'datetime' && !(typeof text === 'string' && isDatetime(text))) {
    return {
      reason: 'invalid_datetime',
      message: `a datetime whose text ${JSON.stringify(text)} is not ISO 8601 with an offset`,
    }
  }
  return undefined
}

function isDatetime(text: string): boolean {
  return DATETIME.test(text) && !Number.isNaN(Date.parse(text.replace(' ', 'T').replace(':60', ':59')))
}

/**
 * What a server refuses in a value that already is JSON: the reason, or undefined when it is fine.
 * Covers what would break readers later on: depth, malformed envelopes, integers that a codec cannot carry.
 */
export function storedValueFault(value: JsonValue, depth = 0): string | undefined {
  if (typeof value === 'bigint') {
    return value < MIN_INTEGER || value > MAX_INTEGER ? 'integer_out_of_range' : undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (depth >= MAX_VALUE_DEPTH) return 'value_too_deep'
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const fault = storedValueFault(inner, depth + 1)
    if (fault) return fault
  }
  return isObject(value) ? envelopeFault(value)?.reason : undefined
}

import { InvalidValueError } from '../errors.js'
import { type JsonValue, setOwn, stringifyJson } from '../json.js'
import { envelopeFault, isStorableInteger, MAX_VALUE_DEPTH } from '../stored-value.js'
import { utf8Length } from '../utf8.js'
import { isPlainMap, type JsonMap } from '../value.js'
import { isWellFormed } from '../well-formed.js'
import { DateTime } from './date-time.js'
import { Decimal } from './decimal.js'
import { FileRef } from './file-ref.js'
import { LeaseValue } from './lease-value.js'

/** The largest leaf, in UTF-8 bytes of its JSON text. Larger things are files, or maps of smaller leaves. */
export const MAX_LEAF_BYTES = 64 * 1024

/** From here on a number is no integer of 64 bits that somebody meant exactly, but a float. */
const INTEGER_END = 2 ** 64

/**
 * What an app writes at a path, as it is stored and sent: a copy, in which typed values are their envelopes. What cannot
 * travel is refused before anything is written: undefined, NaN, infinities, functions, symbols, Sets, Dates, other
 * class instances, cycles, lone surrogates, numbers that are integers beyond ±(2^53 - 1) and so may have lost digits,
 * integers beyond 64 bits, malformed decimals and datetimes, values nested more than {@link MAX_VALUE_DEPTH} deep,
 * empty keys of maps that become paths, and leaves of more than {@link MAX_LEAF_BYTES}.
 *
 * Negative zero becomes zero, and a map without leaves stands for nothing at all.
 * @throws InvalidValueError whose message and `fields.at` name the offending inner path.
 */
export function toJsonValue(value: unknown): JsonValue {
  const json = convert(value, '', [])
  checkLeaves(json, '')
  return json
}

/**
 * The same of a value that is stored whole, inside one leaf, maps included: a member of a set.
 * @throws InvalidValueError as {@link toJsonValue}.
 */
export function toLeafValue(value: unknown): JsonValue {
  const json = convert(value, '', [])
  checkLeafSize(json, '')
  return json
}

function convert(value: unknown, at: string, above: object[]): JsonValue {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'string':
      if (!isWellFormed(value)) refuse(at, 'a text with an unpaired surrogate, which has no UTF-8 form')
      return value
    case 'number':
      return convertNumber(value, at)
    case 'bigint':
      if (!isStorableInteger(value)) refuse(at, 'an integer beyond 64 bits; use a Decimal')
      // The same integer has one form only, as when it comes back.
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
    case 'object':
      return value === null ? null : convertObject(value, at, above)
    case 'undefined':
      return refuse(at, 'undefined; use null, or leave the key out')
    default:
      return refuse(at, `a ${typeof value}; store data only`)
  }
}

function convertNumber(value: number, at: string): number {
  if (!Number.isFinite(value)) refuse(at, `${value}, which JSON has no form for; use null or a string`)
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < INTEGER_END)
    refuse(at, `${value}, an integer beyond 2^53, where numbers lose digits; use a bigint`)
  // JSON has no negative zero.
  return value === 0 ? 0 : value
}

function convertObject(value: object, at: string, above: object[]): JsonValue {
  if (above.includes(value)) refuse(at, 'a reference to something that contains it (a cycle)')
  if (above.length >= MAX_VALUE_DEPTH)
    refuse(at, `nested more than ${MAX_VALUE_DEPTH} deep; use paths for structure`)
  above.push(value)
  const json = Array.isArray(value)
    ? // Array.from visits holes too, which map would skip.
      Array.from(value, (item: unknown, i) => convert(item, `${at}[${i}]`, above))
    : convertMap(envelopeOf(value) ?? plainObject(value, at), at, above)
  above.pop()
  return json
}

/** The stored form of an instance of our classes. Its texts are checked like those of any other map. */
function envelopeOf(value: object): JsonMap | undefined {
  if (value instanceof Decimal) return { _typed: value.text, _type: 'decimal' }
  if (value instanceof DateTime) return { _typed: value.text, _type: 'datetime' }
  if (value instanceof FileRef || value instanceof LeaseValue) return value.toJSON()
  return undefined
}

function plainObject(value: object, at: string): object {
  const prototype: unknown = Object.getPrototypeOf(value)
  // The objects of another frame have an Object.prototype of their own; whatever it is, nothing is above it.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return value
  if (value instanceof Set) refuse(at, 'a Set; sets are changed by add() and remove(), a member at a time')
  if (value instanceof Date) refuse(at, 'a Date; use DateTime.from(date)')
  return refuse(at, `an instance of ${value.constructor?.name ?? 'a class'}; convert it to JSON first`)
}

function convertMap(value: object, at: string, above: object[]): JsonMap {
  const map: JsonMap = {}
  for (const [key, inner] of Object.entries(value)) {
    if (!isWellFormed(key)) refuse(at, 'a map with an unpaired surrogate in a key, which has no UTF-8 form')
    setOwn(map, key, convert(inner, innerPath(at, key), above))
  }
  const fault = envelopeFault(map)
  if (fault) refuse(at, fault.message)
  return map
}

/** Each leaf of a map counts by itself, as it is stored by itself. */
function checkLeaves(value: JsonValue, at: string): void {
  if (!isPlainMap(value)) {
    checkLeafSize(value, at)
    return
  }
  for (const [key, inner] of Object.entries(value)) {
    if (key === '') refuse(at, 'a map with an empty key, which makes no path; give every key a name')
    checkLeaves(inner, innerPath(at, key))
  }
}

function checkLeafSize(value: JsonValue, at: string): void {
  const text = stringifyJson(value)
  // A UTF-16 unit is three bytes at most, so short texts need no counting.
  if (text.length * 3 <= MAX_LEAF_BYTES) return
  const bytes = utf8Length(text)
  if (bytes > MAX_LEAF_BYTES)
    refuse(at, `${bytes} bytes of JSON; one value may have ${MAX_LEAF_BYTES}. Split it, or store a file`)
}

function innerPath(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`
}

function refuse(at: string, what: string): never {
  throw new InvalidValueError(`The value${at === '' ? '' : ` at ${at}`} is ${what}.`, at)
}

import { checkValue, InvalidValueError, isPlainMap, type JsonValue } from '@dustlayer/protocol'

/**
 * The value as it is at the call: what the caller does to it afterwards, before the batch leaves, must not count.
 * @throws InvalidValueError
 */
export function takeValue(value: unknown): JsonValue {
  return copy(checkValue(value))
}

/** @throws InvalidValueError when it is not a map. */
export function takeMap(value: unknown): JsonValue {
  const map = takeValue(value)
  if (!isPlainMap(map))
    throw new InvalidValueError('merge needs a map of children; use put for other values.', '')
  return map
}

/** @throws InvalidValueError when it is not a number. */
export function takeNumber(value: unknown): JsonValue {
  const number = takeValue(value)
  if (typeof number === 'number' || typeof number === 'bigint') return number
  throw new InvalidValueError('increment needs a number.', '')
}

/** @throws InvalidValueError for null, which no set can hold. */
export function takeMember(call: string, value: unknown): JsonValue {
  const member = takeValue(value)
  if (member === null) throw new InvalidValueError(`${call} needs a member other than null.`, '')
  return member
}

function copy(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]))
}

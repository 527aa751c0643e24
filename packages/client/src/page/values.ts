import { InvalidValueError, isPlainMap, type JsonValue, toJsonValue, toLeafValue } from '@dustlayer/protocol'

/** What `take` makes of a value. Its error names the write: a batch may have many. */
export function takeFor(call: string, path: string, take: () => JsonValue): JsonValue {
  try {
    return take()
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error
    const { message, fields } = error
    throw new InvalidValueError(`${call} ${path}: ${message}`, String(fields.at), { path })
  }
}

/** @throws InvalidValueError when it is not a map. */
export function takeMap(value: unknown): JsonValue {
  const map = toJsonValue(value)
  if (!isPlainMap(map))
    throw new InvalidValueError('It needs a map of children; use put for other values.', '')
  return map
}

/** @throws InvalidValueError when it is not a number. */
export function takeNumber(value: unknown): JsonValue {
  const number = toJsonValue(value)
  if (typeof number === 'number' || typeof number === 'bigint') return number
  throw new InvalidValueError('It needs a number to add.', '')
}

/** @throws InvalidValueError for null, which no set can hold. */
export function takeMember(value: unknown): JsonValue {
  const member = toLeafValue(value)
  if (member === null) throw new InvalidValueError('It needs a member other than null.', '')
  return member
}

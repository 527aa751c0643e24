import { excerpt, type JsonValue } from './json.js'
import { isObject, type JsonMap } from './value.js'
import { isDateTimeText } from './values/date-time.js'
import { isDecimalText } from './values/decimal.js'

/** Maps and lists may be nested this deep; far beyond real data, far below any stack's limit. */
export const MAX_VALUE_DEPTH = 100

/** MessagePack carries integers from -2^63 to 2^64 - 1, so a store holds no others. */
const MIN_INTEGER = -(2n ** 63n)
const MAX_INTEGER = 2n ** 64n - 1n

/** Whether a store can hold the integer: it has 64 bits. */
export function isStorableInteger(value: bigint): boolean {
  return value >= MIN_INTEGER && value <= MAX_INTEGER
}

/** What is wrong with a decimal or datetime envelope, if anything. Other values have no faults of this kind. */
export function envelopeFault(value: JsonMap): { reason: string; message: string } | undefined {
  if (!Object.hasOwn(value, '_typed') || !Object.hasOwn(value, '_type')) return undefined
  const text = value._typed
  if (value._type === 'decimal' && !(typeof text === 'string' && isDecimalText(text))) {
    return {
      reason: 'invalid_decimal',
      message: `a decimal whose text ${excerpt(text ?? null)} is not a decimal number`,
    }
  }
  if (value._type === 'datetime' && !(typeof text === 'string' && isDateTimeText(text))) {
    return {
      reason: 'invalid_datetime',
      message: `a datetime whose text ${excerpt(text ?? null)} is not ISO 8601 with an offset`,
    }
  }
  return undefined
}

/**
 * What a server refuses in a value that already is JSON: the reason, or undefined when it is fine.
 * Covers what would break readers later on: depth, malformed envelopes, integers that a codec cannot carry. How large
 * a value may be is each client's own rule.
 */
export function storedValueFault(value: JsonValue, depth = 0): string | undefined {
  if (typeof value === 'bigint') return isStorableInteger(value) ? undefined : 'integer_out_of_range'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth >= MAX_VALUE_DEPTH) return 'value_too_deep'
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const fault = storedValueFault(inner, depth + 1)
    if (fault) return fault
  }
  return isObject(value) ? envelopeFault(value)?.reason : undefined
}

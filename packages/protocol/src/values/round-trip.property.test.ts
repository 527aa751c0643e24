import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMsgpackCodec, jsonCodec } from '../codec.js'
import { type JsonValue, parseJson, stringifyJson } from '../json.js'
import { assemble, flatten } from '../value.js'
import { DateTime } from './date-time.js'
import { Decimal } from './decimal.js'
import { FileRef } from './file-ref.js'
import { LeaseValue } from './lease-value.js'
import { toLeafValue } from './to-json-value.js'
import { toValue } from './to-value.js'
import type { Value } from './value-type.js'

const codecs = [jsonCodec, createMsgpackCodec()]

const text = fc.string({ unit: 'binary', maxLength: 8 })
const key = fc.oneof(text, fc.constantFrom('_type', '_typed', '_scalar', '__proto__', 'constructor', '0'))
const digits = fc.bigInt({ min: 0n, max: 10n ** 40n }).map(String)

const integer = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1))
const large = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
)
const float = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter(
    (n) => !Object.is(n, -0) && (!Number.isInteger(n) || Number.isSafeInteger(n) || Math.abs(n) >= 2 ** 64),
  )

const decimal = fc
  .tuple(fc.constantFrom('', '-', '+'), digits, fc.option(digits), fc.option(fc.integer()))
  .map(([sign, whole, fraction, power]) =>
    Decimal.from(
      `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${power === null ? '' : `e${power}`}`,
    ),
  )
const datetime = fc
  .tuple(
    fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
    fc.constantFrom('Z', '+00:00', '-11:30', '+1400'),
    fc.option(digits),
  )
  .map(([date, zone, fraction]) =>
    DateTime.from(`${date.toISOString().slice(0, 19)}${fraction === null ? '' : `.${fraction}`}${zone}`),
  )
const file = fc
  .record({
    hash: text,
    size: fc.nat(),
    contentType: text,
    filename: fc.option(text),
    uploadedAt: datetime,
  })
  .map((fields) => new FileRef(fields))

const scalar = fc.oneof(fc.constant(null), fc.boolean(), text, integer, large, float)
const json = fc.letrec<{ any: JsonValue }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(key, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any
const lease = fc
  .record({ holder: json, token: integer, expiresAt: integer })
  .map((fields) => new LeaseValue(fields))

const rich = fc.letrec<{ any: Value }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    scalar,
    decimal,
    datetime,
    file,
    lease,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(key, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any

/** Through the wire both ways, and through a disk. */
function travelled(value: JsonValue): JsonValue[] {
  const sent = codecs.map((codec) => codec.decode(codec.encode([null, '1', 't', 'e', { value }]))[4].value)
  return [parseJson(stringifyJson(value)), ...(sent as JsonValue[])]
}

/** Not toStrictEqual, which takes a key named `constructor` for the class. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected)
  expect(isDeepStrictEqual(actual, expected)).toBe(true)
}

/** Random maps may be envelopes with malformed text, which toLeafValue refuses. */
function isRefused(value: JsonValue): boolean {
  try {
    toLeafValue(value)
    return false
  } catch {
    return true
  }
}

describe('values, lossless', () => {
  it('what comes back equals what went in, to the digit', () => {
    fc.assert(
      fc.property(rich, (value) => {
        for (const json of travelled(toLeafValue(value))) expectSame(toValue(json), value)
      }),
      { numRuns: 500 },
    )
  })

  it('reading and writing back changes nothing that is stored', () => {
    fc.assert(
      fc.property(json, (value) => {
        fc.pre(!isRefused(value))
        expectSame(toLeafValue(toValue(value)), value)
      }),
      { numRuns: 500 },
    )
  })

  it('holds envelopes only that their class can hold exactly', () => {
    const kept: JsonValue[] = [
      { _typed: '1', _type: 'decimal', note: 'extra' },
      { _typed: 'abc', _type: 'decimal' },
      { _typed: '2026-02-30T00:00:00Z', _type: 'datetime' },
      { _type: 'file', hash: 'h' },
      { _type: 'lease', holder: null, token: 1, expires_at: null },
      { _type: 'decimal' },
      { _typed: 1, _type: 'money' },
    ]
    expect(toValue(kept)).toStrictEqual(kept)
  })
})

describe('toValue and sets', () => {
  it('makes a Set where the type says so, with typed members', () => {
    const stored: JsonValue = ['b', { _typed: '1.0', _type: 'decimal' }]
    expect(toValue(stored, 'set')).toStrictEqual(new Set<Value>(['b', Decimal.from('1.0')]))
    expect(toValue(stored, 'list')).toStrictEqual(['b', Decimal.from('1.0')])
  })

  it('makes Sets of the leaves inside an assembled map that the caller names', () => {
    const leaves = flatten('p', { 'a/b': { tags: ['x'] }, list: ['y'], __proto__: null })
    const node = assemble('p', leaves)
    expect(toValue(node, 'map', ['a~1b/tags'])).toStrictEqual({
      'a/b': { tags: new Set(['x']) },
      list: ['y'],
    })
  })

  it('ignores a named path that leads nowhere', () => {
    const node: JsonValue = { a: 1, b: { _typed: '1', _type: 'decimal' } }
    expect(toValue(node, 'map', ['a', 'a/b', 'b/text', 'c', 'toString'])).toStrictEqual({
      a: 1,
      b: Decimal.from('1'),
    })
  })
})

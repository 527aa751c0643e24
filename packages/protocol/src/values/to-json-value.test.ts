import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { InvalidValueError } from '../errors.js'
import type { JsonValue } from '../json.js'
import { MAX_VALUE_DEPTH } from '../stored-value.js'
import { DateTime } from './date-time.js'
import { Decimal } from './decimal.js'
import { FileRef } from './file-ref.js'
import { LeaseValue } from './lease-value.js'
import { MAX_LEAF_BYTES, toJsonValue, toLeafValue } from './to-json-value.js'

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

const nested = (depth: number): JsonValue => {
  let value: JsonValue = 1
  for (let i = 0; i < depth; i++) value = { n: value }
  return value
}

const file = {
  hash: `sha256:${'0'.repeat(64)}`,
  size: 3,
  contentType: 'text/plain',
  filename: 'a.txt',
  uploadedAt: DateTime.from('2026-01-01T00:00:00.000000Z'),
}

describe('B24 toJsonValue refuses what cannot travel and names the place', () => {
  it.each<[string, unknown, string]>([
    ['undefined', { a: { b: undefined } }, 'a.b'],
    ['NaN', [1, Number.NaN], '[1]'],
    ['Infinity', { list: [Number.POSITIVE_INFINITY] }, 'list[0]'],
    ['a function', { f: () => 1 }, 'f'],
    ['a symbol', Symbol('s'), ''],
    ['a hole in a list', { l: new Array(1) }, 'l[0]'],
    ['a Date', { at: new Date(0) }, 'at'],
    ['a Set', { tags: new Set(['a']) }, 'tags'],
    ['a Map', new Map(), ''],
    ['an instance of a class without a name', { x: new (class {})() }, 'x'],
    ['a cycle', cyclic, 'self'],
    ['a lone surrogate', { s: 'a\ud800' }, 's'],
    ['a lone surrogate in a key', { o: { '\udc00': 1 } }, 'o'],
    ['an integer beyond 64 bits', 2n ** 64n, ''],
    ['a number that may have lost digits', { id: 2 ** 53 }, 'id'],
    ['a negative number that may have lost digits', [-(2 ** 63)], '[0]'],
    ['a malformed decimal', { price: { _typed: 'abc', _type: 'decimal' } }, 'price'],
    ['a malformed datetime', { at: { _typed: '2026-13-01T00:00:00Z', _type: 'datetime' } }, 'at'],
    ['a day that does not exist', { at: { _typed: '2026-02-30T00:00:00Z', _type: 'datetime' } }, 'at'],
    // @ts-expect-error: what JavaScript lets happen
    ['a file without its hash', { f: new FileRef({ ...file, hash: undefined }) }, 'f.hash'],
    ['an empty key, which makes no path', { a: { '': 1 } }, 'a'],
    ['too deep a value', nested(MAX_VALUE_DEPTH + 1), Array(MAX_VALUE_DEPTH).fill('n').join('.')],
    ['too large a leaf', { a: { b: 'x'.repeat(MAX_LEAF_BYTES - 1) } }, 'a.b'],
    ['too large a list', { l: ['é'.repeat(MAX_LEAF_BYTES / 2)] }, 'l'],
  ])('%s', (_, value, at) => {
    expect(() => toJsonValue(value)).toThrow(InvalidValueError)
    expect(() => toJsonValue(value)).toThrow(
      expect.objectContaining({ code: 'invalid_value', fields: { at } }),
    )
  })

  it('says what to do instead of a Set, a Date, a large number and a large leaf', () => {
    expect(() => toJsonValue({ s: new Set() })).toThrow('The value at s is a Set; sets are changed by add()')
    expect(() => toJsonValue(new Date())).toThrow('DateTime.from(date)')
    expect(() => toJsonValue(2 ** 60)).toThrow('use a bigint')
    expect(() => toJsonValue({ text: 'x'.repeat(MAX_LEAF_BYTES) })).toThrow(
      `at text is ${MAX_LEAF_BYTES + 2} bytes of JSON; one value may have ${MAX_LEAF_BYTES}`,
    )
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['the same object twice, which is no cycle', (() => [cyclicFree, cyclicFree])()],
    ['a big integer', 2n ** 63n],
    ['a float that happens to be whole', [6.02e23, -1e300, 2 ** 64]],
    ['astral text', { '😀': '😀' }],
    ['the largest leaf', 'x'.repeat(MAX_LEAF_BYTES - 2)],
    ['a map of many leaves that together are larger', { a: 'x'.repeat(60_000), b: 'x'.repeat(60_000) }],
    ['the deepest value', nested(MAX_VALUE_DEPTH)],
    [
      'envelopes',
      [
        { _typed: '-1.50e3', _type: 'decimal' },
        { _typed: '2026-01-01T10:00:00.123+02:00', _type: 'datetime' },
      ],
    ],
  ])('accepts %s', (_, value) => {
    expect(toJsonValue(value)).toEqual(value)
  })

  it('accepts the maps of another frame, and no instances of its classes', () => {
    expect(toJsonValue(runInNewContext('({ a: [1, { b: 2 }] })'))).toEqual({ a: [1, { b: 2 }] })
    expect(() => toJsonValue(runInNewContext('new Map()'))).toThrow('an instance of Map')
  })

  it('accepts an empty key where no path is made of it', () => {
    expect(toJsonValue([{ '': 1 }])).toEqual([{ '': 1 }])
    expect(toLeafValue({ '': 1 })).toEqual({ '': 1 })
  })

  it('measures as a whole what is stored as a whole', () => {
    const map = { a: 'x'.repeat(60_000), b: 'x'.repeat(60_000) }
    expect(() => toLeafValue(map)).toThrow('bytes of JSON; one value may have 65536')
  })

  it('accepts a map without prototype, and a key named __proto__', () => {
    expect(toJsonValue(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 })
    const value = toJsonValue(JSON.parse('{"__proto__": 1}'))
    expect(Object.keys(value as object)).toEqual(['__proto__'])
  })

  it('turns typed values into their envelopes, wherever they are', () => {
    const lease = new LeaseValue({ holder: 'me', token: 7, expiresAt: 5 })
    expect(
      toJsonValue({
        price: Decimal.from('29.990'),
        list: [DateTime.from('2026-01-01T00:00:00Z')],
        doc: new FileRef(file),
        lease,
      }),
    ).toEqual({
      price: { _typed: '29.990', _type: 'decimal' },
      list: [{ _typed: '2026-01-01T00:00:00Z', _type: 'datetime' }],
      doc: {
        _type: 'file',
        hash: file.hash,
        size: 3,
        content_type: 'text/plain',
        filename: 'a.txt',
        uploaded_at: '2026-01-01T00:00:00.000000Z',
      },
      lease: { _type: 'lease', holder: 'me', token: 7, expires_at: 5 },
    })
  })

  it('copies: a change of the original afterwards does not count', () => {
    const original = { list: [{ n: 1 }] }
    const json = toJsonValue(original)
    original.list.push({ n: 2 })
    expect(json).toEqual({ list: [{ n: 1 }] })
  })
})

const cyclicFree = { a: 1 }

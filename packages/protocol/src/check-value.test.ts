import { describe, expect, it } from 'vitest'
import { checkValue, MAX_VALUE_DEPTH, storedValueFault } from './check-value.js'
import { InvalidValueError } from './errors.js'
import type { JsonValue } from './json.js'

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

const nested = (depth: number): JsonValue => {
  let value: JsonValue = 1
  for (let i = 0; i < depth; i++) value = { n: value }
  return value
}

describe('B24 checkValue refuses what cannot travel and names the place', () => {
  it.each<[string, unknown, string]>([
    ['undefined', { a: { b: undefined } }, 'a.b'],
    ['NaN', [1, Number.NaN], '[1]'],
    ['Infinity', { list: [Number.POSITIVE_INFINITY] }, 'list[0]'],
    ['a function', { f: () => 1 }, 'f'],
    ['a symbol', Symbol('s'), ''],
    ['a hole in a list', { l: new Array(1) }, 'l[0]'],
    ['a Date', { at: new Date(0) }, 'at'],
    ['a Map', new Map(), ''],
    ['a cycle', cyclic, 'self'],
    ['a lone surrogate', { s: 'a\ud800' }, 's'],
    ['a lone surrogate in a key', { o: { '\udc00': 1 } }, 'o'],
    ['an integer beyond 64 bits', 2n ** 64n, ''],
    ['a malformed decimal', { price: { _typed: 'abc', _type: 'decimal' } }, 'price'],
    ['a malformed datetime', { at: { _typed: '2026-13-01T00:00:00Z', _type: 'datetime' } }, 'at'],
    ['too deep a value', nested(MAX_VALUE_DEPTH + 1), Array(MAX_VALUE_DEPTH).fill('n').join('.')],
  ])('%s', (_, value, at) => {
    expect(() => checkValue(value)).toThrow(InvalidValueError)
    expect(() => checkValue(value)).toThrow(
      expect.objectContaining({ code: 'invalid_value', fields: { at } }),
    )
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['the same object twice, which is no cycle', (() => [cyclicFree, cyclicFree])()],
    ['a big integer', 2n ** 63n],
    ['astral text', { '😀': '😀' }],
    [
      'envelopes',
      [
        { _typed: '-1.50e3', _type: 'decimal' },
        { _typed: '2026-01-01T10:00:00.123+02:00', _type: 'datetime' },
      ],
    ],
    ['the deepest value', nested(MAX_VALUE_DEPTH)],
    ['a map without prototype', Object.assign(Object.create(null), { a: 1 })],
  ])('accepts %s', (_, value) => {
    expect(checkValue(value)).toBe(value)
  })
})

const cyclicFree = { a: 1 }

describe('E23 storedValueFault', () => {
  it('finds malformed envelopes and depth, and survives hostile nesting', () => {
    expect(storedValueFault({ a: { _typed: 'abc', _type: 'decimal' } })).toBe('invalid_decimal')
    expect(storedValueFault({ _typed: 'soon', _type: 'datetime' })).toBe('invalid_datetime')
    expect(storedValueFault(nested(50_000))).toBe('value_too_deep')
    expect(storedValueFault({ _typed: null, _type: 'anything' })).toBeUndefined()
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JsonValue, parseJson, stringifyJson } from './json.js'

const LARGE = '12345678901234567890'

describe('parseJson', () => {
  it.each([
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', 9_007_199_254_740_992n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    [`[${LARGE}, 1]`, [12_345_678_901_234_567_890n, 1]],
    [`{"a": {"b": [${LARGE}]}, "c": true}`, { a: { b: [12_345_678_901_234_567_890n] }, c: true }],
    [`"${LARGE}"`, LARGE],
    [`{"${LARGE}": "\\"\\\\"}`, { [LARGE]: '"\\' }],
    [
      `[${LARGE}.5, ${LARGE}e1, 0.1234567890123456789]`,
      [Number(`${LARGE}.5`), Number(`${LARGE}0`), Number('0.1234567890123456789')],
    ],
    [` [ null , false,"\\u00e9 ${LARGE}" , [ ] , { } ] `, [null, false, `é ${LARGE}`, [], {}]],
  ])('%s', (text, expected) => {
    expect(parseJson(text)).toEqual(expected)
  })

  it('takes __proto__ for a key like any other', () => {
    for (const text of ['{"__proto__":{"a":1}}', `{"__proto__":{"a":${LARGE}}}`]) {
      const value = parseJson(text) as { [key: string]: JsonValue }
      expect(Object.keys(value)).toEqual(['__proto__'])
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(stringifyJson(value)).toBe(text)
    }
  })

  it('keeps the last of equal keys, as JSON.parse does', () => {
    expect(parseJson(`{"a":1,"a":${LARGE}}`)).toEqual({ a: 12_345_678_901_234_567_890n })
  })

  it('reads and refuses what JSON.parse reads and refuses, with large numbers or without', () => {
    const token = fc.constantFrom(
      ...'{}[],:-',
      '"',
      '"a"',
      '"\\"',
      '\\u0041',
      'true',
      'null',
      '01',
      '1',
      '1.5',
      '.5',
      '1e',
      '1e5',
      ' ',
      '\n',
      '\u00a0',
      '\t',
    )
    const text = fc
      .array(fc.oneof(token, fc.constant('1234567890123456')), { maxLength: 12 })
      .map((tokens) => tokens.join(''))
    const framed = fc.oneof(
      text,
      text.map((inner) => `[1234567890123456,${inner}]`),
    )
    fc.assert(
      fc.property(framed, (json) => {
        let expected: unknown
        try {
          expected = JSON.parse(json)
        } catch {
          expect(() => parseJson(json)).toThrow(SyntaxError)
          return
        }
        expect(toDoubles(parseJson(json))).toEqual(expected)
      }),
      { numRuns: 3_000 },
    )
  })

  it('bounds depth and digits', () => {
    expect(() => parseJson(`${'['.repeat(100_000)}${LARGE}`)).toThrow(SyntaxError)
    expect(() => parseJson('1'.repeat(1_001))).toThrow(SyntaxError)
    expect(parseJson('1'.repeat(1_000))).toBe(BigInt('1'.repeat(1_000)))
  })
})

describe('stringifyJson', () => {
  it('is undone by parseJson', () => {
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom<JsonValue>(null, true, false),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
        fc.string({ unit: 'binary' }),
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).filter((n) => !Number.isSafeInteger(Number(n))),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    }))
    fc.assert(
      fc.property(value, (original) => {
        const text = stringifyJson(original)
        expect(stringifyJson(parseJson(text))).toBe(text)
      }),
    )
  })

  it('writes large floats so that they come back as numbers, not as integers', () => {
    for (const float of [2 ** 53, -(2 ** 53), 1e17, 123456789012345680000, 6.02e23, 1e300]) {
      const text = stringifyJson({ a: [float, '1234567890123456'] })
      expect(parseJson(text)).toEqual({ a: [float, '1234567890123456'] })
      expect(JSON.parse(text)).toEqual({ a: [float, '1234567890123456'] })
    }
    expect(stringifyJson([0.1234567890123456, 1e16])).toBe('[0.1234567890123456,1e+16]')
  })

  it('writes bigints as digits wherever they are', () => {
    expect(stringifyJson({ a: [2n ** 64n, { b: -1n }], c: 'x', d: null })).toBe(
      '{"a":[18446744073709551616,{"b":-1}],"c":"x","d":null}',
    )
  })
})

function toDoubles(value: JsonValue): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(toDoubles)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toDoubles(inner)]))
}

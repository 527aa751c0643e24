import { readFileSync } from 'node:fs'
import { decode as decodeIndependently, encode as encodeIndependently } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMsgpackCodec, jsonCodec } from './codec.js'
import { FrameError } from './errors.js'
import type { Frame } from './frame.js'
import { type JsonValue, parseJson, stringifyJson } from './json.js'

interface FrameVector {
  id: string
  direction: 'client_to_server' | 'server_to_client'
  json_text: string
  msgpack_base64: string
}

const vectors: FrameVector[] = JSON.parse(
  readFileSync(new URL('../vectors/dust-frames.json', import.meta.url), 'utf8'),
)
const msgpackCodec = createMsgpackCodec()
const codecs = [jsonCodec, msgpackCodec]

/** The expectation, with all digits: `frame` in the file has lost them to whoever reads it with JSON.parse. */
function frameOf(vector: FrameVector): JsonValue {
  return parseJson(vector.json_text)
}

function pack(payload: JsonValue): Uint8Array {
  // The codec's encoder returns bytes; only its interface allows text.
  return msgpackCodec.encode([null, '1', 't', 'e', { payload }]) as Uint8Array
}

/** A frame whose payload is `{v: …}` with the value given as MessagePack in hex. */
function unpack(hex: string): JsonValue | undefined {
  const frame = msgpackCodec.decode(Buffer.from(`95c0c0a174a16581a176${hex}`, 'hex'))
  return frame[4].v
}

describe('vectors', () => {
  for (const vector of vectors) {
    it(`B01 JSON ${vector.id}`, () => {
      expect(jsonCodec.decode(vector.json_text)).toEqual(frameOf(vector))
    })

    it(`B02 MessagePack ${vector.id}`, () => {
      expect(msgpackCodec.decode(Buffer.from(vector.msgpack_base64, 'base64'))).toEqual(frameOf(vector))
    })

    it(`D06 round trip of ${vector.id}`, () => {
      const frame = jsonCodec.decode(vector.json_text)
      for (const codec of codecs) expect(codec.decode(codec.encode(frame))).toEqual(frame)
    })

    if (vector.direction === 'client_to_server') {
      it(`B03 independent decoder ${vector.id}`, () => {
        const bytes = msgpackCodec.encode(jsonCodec.decode(vector.json_text)) as Uint8Array
        expect(decodeIndependently(bytes)).toEqual(frameOf(vector))
      })
    }
  }
})

describe('integers and floats in MessagePack', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [256, 'cd0100'],
    [65_536, 'ce00010000'],
    [4_294_967_295, 'ceffffffff'],
    [4_294_967_296, 'cf0000000100000000'],
    [1_800_000_030_000, 'cf000001a3185cc530'],
    [Number.MAX_SAFE_INTEGER, 'cf001fffffffffffff'],
    [2n ** 53n, 'cf0020000000000000'],
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    [5n, '05'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-129, 'd1ff7f'],
    [-32_769, 'd2ffff7fff'],
    [-2_147_483_649, 'd3ffffffff7fffffff'],
    [Number.MIN_SAFE_INTEGER, 'd3ffe0000000000001'],
    [-(2n ** 63n), 'd38000000000000000'],
    [0.5, 'cb3fe0000000000000'],
    [2 ** 53, 'cb4340000000000000'],
  ])('B03 %s is %s', (value, hex) => {
    const bytes = Buffer.from(pack(value)).toString('hex')
    expect(bytes.slice(bytes.indexOf(Buffer.from('payload').toString('hex')) + 14)).toBe(hex)
    expect(unpack(hex)).toBe(value === 5n ? 5 : value)
  })

  it('B03 every safe integer arrives as an integer in an independent decoder', () => {
    const integer = fc.oneof(fc.maxSafeInteger(), fc.integer())
    fc.assert(
      fc.property(integer, (value) => {
        const wide = decodeIndependently(pack(value), { useBigInt64: true }) as [
          0,
          0,
          0,
          0,
          { payload: number | bigint },
        ]
        // A float64 would be decoded as a number, a 64-bit integer as a bigint.
        const fits = value >= -(2 ** 31) && value < 2 ** 32
        expect(wide[4].payload).toBe(fits ? value : BigInt(value))
      }),
    )
  })

  it('D06 what an independent encoder writes is read', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__"'))
        const bytes = encodeIndependently(['1', '2', 't', 'e', { value }])
        // What fast-check calls a JSON value is one of ours.
        expect(stringifyJson(msgpackCodec.decode(bytes)[4])).toBe(stringifyJson({ value } as JsonValue))
      }),
    )
  })
})

describe('MessagePack from elsewhere', () => {
  it.each([
    ['bin is text', 'c403c3a978', 'éx'],
    ['a long str', `d91c${'c3a9'.repeat(14)}`, 'é'.repeat(14)],
    ['a byte order mark is text', 'a3efbbbf', '\ufeff'],
    ['map16 and map32', 'de0001a161df00000001a162c0', { a: { b: null } }],
    ['a bin key', '81c4016101', { a: 1 }],
    ['array16 and array32', 'dc0001dd0000000101', [[1]]],
    ['float32', 'ca3fc00000', 1.5],
    ['a 32-bit timestamp', 'd6ff00000001', { _typed: '1970-01-01T00:00:01Z', _type: 'datetime' }],
    ['a 64-bit timestamp', 'd7ff1dcd650000000001', { _typed: '1970-01-01T00:00:01.125Z', _type: 'datetime' }],
    [
      'a 96-bit timestamp',
      'c70cff00000001ffffffffffffffff',
      { _typed: '1969-12-31T23:59:59.000000001Z', _type: 'datetime' },
    ],
  ])('%s', (_, hex, expected) => {
    expect(unpack(hex)).toEqual(expected)
  })

  it('__proto__ is a key like any other', () => {
    const value = unpack('81a95f5f70726f746f5f5f81a16101') as { [key: string]: JsonValue }
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  it.each([
    ['NaN', 'cb7ff8000000000000'],
    ['Infinity', 'ca7f800000'],
    ['an extension', 'd40000'],
    ['the reserved type', 'c1'],
    ['ill-formed UTF-8', 'a1ff'],
    ['a surrogate in UTF-8', 'a3eda080'],
    ['a key that is a number', '810101'],
    ['a timestamp of 5 bytes', 'c705ff0000000000'],
    ['a timestamp in the year 10000', 'c70cff000000000000003afff44180'],
    ['a timestamp with too many nanoseconds', 'd7fffffffffc00000001'],
    ['bytes after the end', 'c0c0'],
    ['an array that promises too much', 'ddffffffff'],
    ['a map that promises too much', 'dfffffffff'],
    ['a text that promises too much', 'dbffffffff'],
    ['arrays in arrays that promise too much', 'dd002dc6c0'.repeat(40)],
    ['deep nesting', `${'91'.repeat(100_000)}c0`],
  ])('refuses %s', (_, hex) => {
    expect(() => unpack(hex)).toThrow(FrameError)
  })

  it('refuses the binary layout of other Phoenix peers', () => {
    expect(() => msgpackCodec.decode(Buffer.from('0001010174650a', 'hex'))).toThrow(FrameError)
  })

  it('takes a text for JSON, and bytes at an offset of their buffer', () => {
    const frame: Frame = ['1', '2', 't', 'e', { a: 'é' }]
    expect(msgpackCodec.decode(jsonCodec.encode(frame))).toEqual(frame)
    const bytes = msgpackCodec.encode(frame) as Uint8Array
    const padded = new Uint8Array(bytes.length + 6)
    padded.set(bytes, 3)
    expect(msgpackCodec.decode(padded.subarray(3, 3 + bytes.length))).toEqual(frame)
    expect(msgpackCodec.decode(bytes.slice().buffer as ArrayBuffer)).toEqual(frame)
  })
})

describe('JSON from elsewhere', () => {
  it('keeps the digits of large integers and reads UTF-8 bytes', () => {
    const text = '[null,"1","t","e",{"n":18446744073709551617,"s":"é"}]'
    expect(jsonCodec.decode(text)).toEqual([null, '1', 't', 'e', { n: 18_446_744_073_709_551_617n, s: 'é' }])
    expect(jsonCodec.decode(Buffer.from(text))).toEqual(jsonCodec.decode(text))
    expect(jsonCodec.encode(jsonCodec.decode(text))).toBe(text)
  })

  it.each([
    ['no JSON', '['],
    ['no frame', '{}'],
    ['an unpaired surrogate', '[null,"1","t","e",{"s":"\\ud800"}]'],
    ['an unpaired surrogate in a key', '[null,"1","t","e",{"\\uDC00":1}]'],
    ['a number beyond doubles', '[null,"1","t","e",{"n":-1e400}]'],
    ['a number with too many digits for a double', `[null,"1","t","e",{"n":${'9'.repeat(400)}.5}]`],
    ['deep nesting', `[null,"1","t","e",{"n":${'['.repeat(600)}${']'.repeat(600)}}]`],
    ['deeper nesting', '['.repeat(1_000_000)],
  ])('refuses %s', (_, text) => {
    expect(() => jsonCodec.decode(text)).toThrow(FrameError)
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(() => jsonCodec.decode(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(FrameError)
  })

  it('reads surrogate pairs written as escapes', () => {
    expect(jsonCodec.decode('[null,"1","t","e",{"s":"\\ud83d\\ude00"}]')[4]).toEqual({ s: '😀' })
  })
})

describe('encode', () => {
  it.each(codecs)('$vsn refuses unpaired surrogates, but not text that looks like their escape', (codec) => {
    for (const text of ['\ud800', 'a\\\udc00', `${'x'.repeat(50)}\ud800`]) {
      expect(() => codec.encode([null, '1', 't', 'e', { text }])).toThrow(FrameError)
      expect(() => codec.encode([null, '1', 't', 'e', { [text]: 1 }])).toThrow(FrameError)
    }
    const frame: Frame = [null, '1', 't', 'e', { text: '\\ud800 \\\\udfff 😀' }]
    expect(codec.decode(codec.encode(frame))).toEqual(frame)
  })

  it('MessagePack refuses NaN, infinities and integers beyond 64 bits', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2n ** 64n, -(2n ** 63n) - 1n]) {
      expect(() => pack(value)).toThrow(FrameError)
    }
  })

  it('refuses cycles and works again afterwards', () => {
    const cycle: JsonValue[] = []
    cycle.push(cycle)
    for (const codec of codecs) {
      expect(() => codec.encode([null, '1', 't', 'e', { cycle }])).toThrow(FrameError)
      expect(codec.decode(codec.encode([null, '1', 't', 'e', {}]))).toEqual([null, '1', 't', 'e', {}])
    }
  })

  it('returns bytes that later calls leave alone, also after a large frame', () => {
    const first = pack('a') as Uint8Array
    const kept = first.slice()
    const large = 'é'.repeat(2_000_000)
    expect(msgpackCodec.decode(pack(large))[4]).toEqual({ payload: large })
    pack('bbbb')
    expect(first).toEqual(kept)
  })
})

describe('any frame', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 20, maxLength: 70 }))
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom<JsonValue>(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      text,
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((n) => !Number.isSafeInteger(Number(n))),
      fc.array(tie('value'), { maxLength: 20 }),
      fc.dictionary(fc.oneof(text, fc.constant('__proto__')), tie('value'), {
        maxKeys: 20,
        noNullPrototype: true,
      }),
    ),
  }))
  const ref = fc.option(fc.string({ unit: 'binary' }))
  const frame: fc.Arbitrary<Frame> = fc.tuple(
    ref,
    ref,
    text,
    text,
    fc.dictionary(text, value, { noNullPrototype: true }),
  )

  it.each(codecs)('D06 survives a round trip in $vsn', (codec) => {
    fc.assert(
      fc.property(frame, (original) => {
        // Text shows bigints, key order and __proto__, which toEqual would not.
        const before = stringifyJson(original as unknown as JsonValue)
        expect(stringifyJson(codec.decode(codec.encode(original)) as unknown as JsonValue)).toBe(before)
      }),
    )
  })

  it.each(codecs)('mutated or cut off, gives a frame or a FrameError in $vsn', (codec) => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(frame, damage, fc.nat(), (original, changes, cut) => {
        const bytes = Uint8Array.from(Buffer.from(codec.encode(original) as Uint8Array))
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        expectFrameOrError(() => codec.decode(bytes))
        expectFrameOrError(() => codec.decode(bytes.subarray(0, cut % bytes.length)))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each(codecs)('random bytes and texts give a frame or a FrameError in $vsn', (codec) => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' }), fc.json()),
        (data) => {
          expectFrameOrError(() => codec.decode(data))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

function expectFrameOrError(decode: () => Frame): void {
  try {
    expect(decode()).toHaveLength(5)
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError)
  }
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addDigest,
  type Digest,
  digestText,
  EMPTY_DIGEST,
  entryDigest,
  parseDigest,
  subtractDigest,
} from './digest.js'
import { type EntryType, isEntryType } from './value.js'

const entry = fc.tuple(
  fc.string({ unit: 'binary' }),
  fc.constantFrom<EntryType[]>('string', 'set', 'list'),
  fc.nat(),
  fc.json(),
)
const digest = fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff))

const sum = (entries: readonly [string, EntryType, number, string][]): Digest =>
  entries.map((each) => entryDigest(...each)).reduce(addDigest, EMPTY_DIGEST)

describe('digest', () => {
  it('does not depend on the order of the entries', () => {
    fc.assert(
      fc.property(
        fc
          .array(entry)
          .chain((entries) =>
            fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length })),
          ),
        ([entries, shuffled]) => {
          expect(sum(shuffled)).toEqual(sum(entries))
        },
      ),
    )
  })

  it('adds and subtracts as 64-bit integers do', () => {
    const toBigInt = (each: Digest): bigint => BigInt(`0x${digestText(each)}`)
    fc.assert(
      fc.property(digest, digest, (a, b) => {
        expect(toBigInt(addDigest(a, b))).toBe(BigInt.asUintN(64, toBigInt(a) + toBigInt(b)))
        expect(toBigInt(subtractDigest(a, b))).toBe(BigInt.asUintN(64, toBigInt(a) - toBigInt(b)))
        expect(subtractDigest(addDigest(a, b), b)).toEqual(a)
        expect(parseDigest(digestText(a))).toEqual(a)
      }),
    )
  })

  it('tells entries apart that differ in anything, also where one field ends and the next begins', () => {
    const texts = [
      entryDigest('a', 'list', 1, '2'),
      entryDigest('a', 'list', 12, ''),
      entryDigest('a', 'set', 1, '2'),
      entryDigest('alist', 'set', 1, '2'),
      entryDigest('b', 'list', 1, '2'),
      entryDigest('a', 'list', 2, '2'),
      entryDigest('a', 'list', 1, '3'),
      entryDigest('a:list:1:', 'list', 1, '2'),
    ].map(digestText)
    expect(new Set(texts).size).toBe(texts.length)
  })

  it('has no two entries of a large store with the same half, beyond what chance allows', () => {
    const highs = new Set<number>()
    const lows = new Set<number>()
    const count = 100_000
    for (let i = 0; i < count; i++) {
      const [high, low] = entryDigest(`items/${i % 1_000}/n${Math.floor(i / 1_000)}`, 'integer', i, '1')
      highs.add(high)
      lows.add(low)
    }
    // 100,000 random numbers of 32 bits have 1.16 collisions on average, and 12 with a chance of 1e-9.
    expect(count - highs.size).toBeLessThan(12)
    expect(count - lows.size).toBeLessThan(12)
  })

  it('stays what it is: others compute it too', () => {
    expect(digestText(EMPTY_DIGEST)).toBe('0000000000000000')
    expect(digestText(entryDigest('users/alice', 'string', 7, '"Alice"'))).toMatchInlineSnapshot(
      `"07037986c356654f"`,
    )
    expect(digestText(entryDigest('ключ/😀', 'list', 2 ** 40, '[1,2]'))).toMatchInlineSnapshot(
      `"2e82869c4de6e9f9"`,
    )
  })

  it('knows the entry types', () => {
    expect(isEntryType('counter')).toBe(true)
    expect(isEntryType('constructor')).toBe(false)
  })
})

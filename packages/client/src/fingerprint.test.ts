import { equalValues, type JsonValue } from '@dustlayer/protocol'
import type { EntryData } from '@dustlayer/replica'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printOfEntry, printOfValue } from './fingerprint.js'

const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<JsonValue>(null, true, false, 0, 1, '', '0', '1', 'a', 'b', 1n, 0.5),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '0'), tie('value'), { maxKeys: 3 }),
  ),
})).value

test('equal values have equal prints, different values different ones', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(printOfValue(a) === printOfValue(b)).toBe(equalValues(a, b))
    }),
    { numRuns: 5_000 },
  )
})

test('the order of keys does not count, that of lists does', () => {
  expect(printOfValue({ a: 1, b: 2 })).toBe(printOfValue({ b: 2, a: 1 }))
  expect(printOfValue([1, 2])).not.toBe(printOfValue([2, 1]))
  expect(printOfValue(['ab', 'c'])).not.toBe(printOfValue(['a', 'bc']))
})

test('prints are spread well: none of 200,000 like values share one', () => {
  const prints = new Set(
    Array.from({ length: 200_000 }, (_, i) => printOfValue({ id: i, title: `card ${i}` })),
  )
  expect(prints.size).toBe(200_000)
  expect([...prints].every(Number.isSafeInteger)).toBe(true)
})

test('all that an entry tells counts', () => {
  const entry: EntryData = {
    path: 'a',
    value: 1,
    type: 'integer',
    revision: 1,
    syncedAt: 1,
    pending: false,
  }
  const others: EntryData[] = [
    entry,
    { ...entry, value: 2 },
    { ...entry, type: 'counter' },
    { ...entry, revision: 2 },
    { ...entry, syncedAt: null },
    { ...entry, pending: true },
    { ...entry, sets: ['a'] },
  ]
  expect(new Set(others.map(printOfEntry)).size).toBe(others.length)
})

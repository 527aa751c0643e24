import { describe, expect, it } from 'vitest'
import type { JsonValue } from './json.js'
import { storedValueFault } from './stored-value.js'

describe('E23 storedValueFault', () => {
  it('finds malformed envelopes and depth, and survives hostile nesting', () => {
    let nested: JsonValue = 1
    for (let i = 0; i < 50_000; i++) nested = { n: nested }
    expect(storedValueFault({ a: { _typed: 'abc', _type: 'decimal' } })).toBe('invalid_decimal')
    expect(storedValueFault({ _typed: 'soon', _type: 'datetime' })).toBe('invalid_datetime')
    expect(storedValueFault({ _typed: '2026-02-30T00:00:00Z', _type: 'datetime' })).toBe('invalid_datetime')
    expect(storedValueFault(nested)).toBe('value_too_deep')
    expect(storedValueFault(2n ** 64n)).toBe('integer_out_of_range')
    expect(storedValueFault({ _typed: null, _type: 'anything' })).toBeUndefined()
  })

  it('has no limit of size: other clients may write what ours would not', () => {
    expect(storedValueFault('x'.repeat(1_000_000))).toBeUndefined()
  })
})

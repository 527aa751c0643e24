import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidValueError } from '../errors.js'
import { Decimal } from './decimal.js'

describe('Decimal', () => {
  it.each(['0', '-0', '29.990', '+1.', '.5', '1e5', '-1.50E-3', '9'.repeat(400)])(
    'keeps the text %s',
    (text) => {
      const decimal = Decimal.from(text)
      expect(decimal.text).toBe(text)
      expect(String(decimal)).toBe(text)
      expect(JSON.stringify([decimal])).toBe(JSON.stringify([text]))
      expect(Decimal.from(decimal)).toBe(decimal)
    },
  )

  it.each<[unknown]>([
    [''],
    ['.'],
    ['1,5'],
    ['0x10'],
    ['1e'],
    [' 1'],
    ['NaN'],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [2 ** 53],
    [null],
    [{}],
  ])('refuses %s', (source) => {
    // @ts-expect-error: what JavaScript lets happen
    expect(() => Decimal.from(source)).toThrow(InvalidValueError)
  })

  it('takes numbers and bigints as they print, and gives the nearest number back', () => {
    expect(Decimal.from(-0.1).text).toBe('-0.1')
    expect(Decimal.from(2n ** 70n).text).toBe('1180591620717411303424')
    expect(Decimal.from('0.1').toNumber()).toBe(0.1)
    expect(Decimal.from('1e999').toNumber()).toBe(Number.POSITIVE_INFINITY)
  })

  it.each([
    ['29.990', '29.99', true],
    ['1e3', '1000.', true],
    ['-0', '0.00e9', true],
    ['+.5', '5E-1', true],
    ['1', '-1', false],
    ['10', '1', false],
    ['1e999999999999', '1e999999999998', false],
  ])('equals: %s and %s: %s', (a, b, equal) => {
    expect(Decimal.from(a).equals(Decimal.from(b))).toBe(equal)
  })

  it('equals as integers do, whatever zeros are added', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), fc.nat(30), (a, b, zeros) => {
        const shifted = Decimal.from(`${a}${'0'.repeat(zeros)}e-${zeros}`)
        expect(shifted.equals(Decimal.from(a))).toBe(true)
        expect(shifted.equals(Decimal.from(b))).toBe(a === b)
      }),
    )
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(Decimal.from('1'))).toBe(true)
  })
})

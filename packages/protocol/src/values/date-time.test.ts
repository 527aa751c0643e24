import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidValueError } from '../errors.js'
import { DateTime } from './date-time.js'

describe('DateTime', () => {
  it.each([
    ['2026-01-31T08:30:00Z', '2026-01-31T08:30:00.000Z'],
    ['2026-01-31 08:30:00.123456789+01:00', '2026-01-31T07:30:00.123Z'],
    ['2026-01-31T08:30:00-0130', '2026-01-31T10:00:00.000Z'],
    ['2024-02-29T23:59:60Z', '2024-03-01T00:00:00.000Z'],
    ['0099-12-31T00:00:00.5Z', '0099-12-31T00:00:00.500Z'],
    ['1969-12-31T23:59:59.9Z', '1969-12-31T23:59:59.900Z'],
  ])('keeps the text %s', (text, iso) => {
    const moment = DateTime.from(text)
    expect(moment.text).toBe(text)
    expect(String(moment)).toBe(text)
    expect(JSON.stringify([moment])).toBe(JSON.stringify([text]))
    expect(moment.toDate().toISOString()).toBe(iso)
    expect(DateTime.from(moment)).toBe(moment)
  })

  it.each<[unknown]>([
    [''],
    ['soon'],
    ['2026-01-31'],
    ['2026-01-31T08:30:00'],
    ['2026-02-30T00:00:00Z'],
    ['2025-02-29T00:00:00Z'],
    ['2026-00-01T00:00:00Z'],
    ['2026-13-01T00:00:00Z'],
    ['2026-01-01T24:00:00Z'],
    ['2026-01-01T00:60:00Z'],
    ['2026-01-01T00:00:61Z'],
    ['2026-01-01T00:00:00+00:60'],
    ['2026-01-01T00:00:00.Z'],
    ['+010000-01-01T00:00:00Z'],
    [new Date(Number.NaN)],
    [8.64e15],
    [Number.NaN],
    [null],
  ])('refuses %s', (source) => {
    // @ts-expect-error: what JavaScript lets happen
    expect(() => DateTime.from(source)).toThrow(InvalidValueError)
  })

  it('goes to a Date and back without loss, from Dates and from milliseconds', () => {
    const years = { min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(years), (date) => {
        expect(DateTime.from(date).toDate()).toEqual(date)
        expect(DateTime.from(date.getTime()).equals(DateTime.from(date))).toBe(true)
      }),
    )
  })

  it('equals the same moment in another zone and precision, and tells nanoseconds apart', () => {
    const noon = DateTime.from('2026-01-01T12:00:00Z')
    expect(noon.equals(DateTime.from('2026-01-01T14:30:00.000+02:30'))).toBe(true)
    expect(noon.equals(DateTime.from('2026-01-01T12:00:00.000000001Z'))).toBe(false)
  })
})

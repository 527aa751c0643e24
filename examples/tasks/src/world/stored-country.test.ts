import { expect, test } from 'vitest'
import countries from 'world-countries'
import { readCountry } from './stored-country.js'

test('every record of the package can be read', () => {
  for (const country of countries) {
    expect(readCountry(country.cca3, country)).toMatchObject({
      name: country.name.common,
      region: country.region,
    })
  }
})

test('odd records do no harm', () => {
  for (const value of [null, 1, 'x', [], {}, { name: 'x' }, { name: {} }])
    expect(readCountry('XXX', value)).toBeUndefined()
  expect(
    readCountry('XXX', { name: { common: 'X' }, borders: 'no', languages: [1], area: 'big' }),
  ).toMatchObject({
    name: 'X',
    borders: [],
    languages: {},
    area: undefined,
  })
})

import { expect, test } from 'vitest'
import countries from 'world-countries'
import { buildNameIndex, chunkIndex } from './name-index.js'

const index = buildNameIndex(countries)

test.each([
  ['germany', 'DEU'],
  ['deutschland', 'DEU'],
  ['niemcy', 'DEU'],
  ['korea', 'KOR'],
  ['россия', 'RUS'],
  ['日本', 'JPN'],
  ['bern', 'CHE'],
])('%s finds %s', (key, code) => {
  expect(Object.keys(index[key] ?? {})).toContain(code)
})

test('every country can be found, and shows the name that was meant', () => {
  const found = new Set(Object.values(index).flatMap((codes) => Object.keys(codes)))
  expect(found.size).toBe(countries.length)
  expect(index.schweiz?.CHE).toBe('Schweiz')
})

test('the parts together are the whole', () => {
  const parts = chunkIndex(index, 500)
  expect(parts.every((part) => Object.keys(part).length <= 500)).toBe(true)
  expect(Object.assign({}, ...parts)).toEqual(index)
})

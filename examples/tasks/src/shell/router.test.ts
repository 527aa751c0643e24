import { expect, test } from 'vitest'
import { parseRoute } from './router.js'

test('the board is the page for no hash and for unknown ones', () => {
  expect(parseRoute('').page).toBe('board')
  expect(parseRoute('#/nothing/here')).toEqual({ page: 'board', rest: [] })
})

test('a country is part of the world page', () => {
  expect(parseRoute('#/world')).toEqual({ page: 'world', rest: [] })
  expect(parseRoute('#/world/CHE')).toEqual({ page: 'world', rest: ['CHE'] })
})

test('a broken escape is taken as it is', () => {
  expect(parseRoute('#/world/%')).toEqual({ page: 'world', rest: ['%'] })
})

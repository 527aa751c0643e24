import fc from 'fast-check'
import { expect, test } from 'vitest'
import { searchKey, searchKeysOf } from './search-key.js'

test.each([
  ["Côte d'Ivoire", 'cote d ivoire'],
  ['  São Tomé & Príncipe ', 'sao tome principe'],
  ['Großbritannien', 'grossbritannien'],
  ['Türkiye', 'turkiye'],
  ['İstanbul', 'istanbul'],
  ['日本', '日本'],
  ['Россия', 'россия'],
  ['(/~)', ''],
])('the key of %s is %s', (name, key) => {
  expect(searchKey(name)).toBe(key)
})

test('a composed and a decomposed name have one key', () => {
  expect(searchKey('한국')).toBe(searchKey('한국'.normalize('NFD')))
})

test('a name is found from each of its words', () => {
  expect(searchKeysOf('South Korea')).toEqual(['south korea', 'korea'])
  expect(searchKeysOf('?!')).toEqual([])
})

test('a key is its own key, and a safe path segment', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const key = searchKey(text)
      expect(searchKey(key)).toBe(key)
      expect(key).not.toMatch(/[/~]/)
    }),
  )
})

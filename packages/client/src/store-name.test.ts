import { OptionError } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { checkStoreName } from './store-name.js'

test('names that make a file name of the pool pass as they are', () => {
  const uuid = '0190b7a0-0000-7000-8000-000000000001'
  for (const name of ['org/app', uuid, `org/${'a'.repeat(116)}`, `org/${'漢'.repeat(52)}`]) {
    expect(checkStoreName(name)).toBe(name)
  }
})

test('what is no name, or would make too long a file name or none, is refused', () => {
  const wrong = [
    'org',
    'org/',
    'a/b/c',
    'a b/c',
    `org/${'a'.repeat(117)}`,
    `org/${'漢'.repeat(53)}`,
    'org/\ud800',
  ]
  for (const name of [...wrong, undefined, 7]) {
    expect(() => checkStoreName(name)).toThrow(OptionError)
  }
})

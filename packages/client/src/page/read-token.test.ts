import { OptionError } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { readToken, type Token } from './read-token.js'

test.each<[string, Token, unknown]>([
  ['a string', 't', { token: 't' }],
  ['a function', () => 't', { token: 't' }],
  ['a promise', async () => 't', { token: 't' }],
  ['with an end in epoch ms', () => ({ token: 't', expiresAt: 5 }), { token: 't', expiresAt: 5 }],
  ['with an end as a Date', () => ({ token: 't', expiresAt: new Date(7) }), { token: 't', expiresAt: 7 }],
  ['without an end', () => ({ token: 't' }), { token: 't', expiresAt: null }],
  ['nobody: null', () => null, null],
  ['nobody: undefined', () => undefined, null],
  ['nobody: an empty string', () => '', null],
  ['nobody: an empty token', () => ({ token: '' }), null],
])('%s', async (_, source, read) => {
  expect(await readToken(source)).toEqual(read)
})

test('what is no token is an error that says what came instead', async () => {
  // What an app in JavaScript may do.
  const odd = [
    () => 7,
    () => ({ access_token: 't' }),
    () => ({ token: 't', expiresAt: 'soon' }),
  ] as unknown as Token[]
  for (const source of odd) await expect(readToken(source)).rejects.toBeInstanceOf(OptionError)
})

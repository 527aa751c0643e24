import { OptionError } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createTokenReader, readToken, type Token, type TokenAnswer } from './read-token.js'

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

test('a function that has not answered yet is not called again, but for two minutes', async () => {
  const open: ((answer: TokenAnswer) => void)[] = []
  let now = 0
  const read = createTokenReader(
    () => new Promise((resolve) => open.push(resolve)),
    () => now,
  )
  const [first, second] = [read(), read()]
  now = 119_000
  const third = read()
  open[0]?.('t1')
  expect(await Promise.all([first, second, third])).toEqual([
    { token: 't1' },
    { token: 't1' },
    { token: 't1' },
  ])
  expect(open).toHaveLength(1)

  void read()
  now += 121_000
  const afterLoss = read()
  open[2]?.('t3')
  expect(await afterLoss).toEqual({ token: 't3' })
  expect(open).toHaveLength(3)
})

test('a failure answers everyone who waits, and the next one asks again', async () => {
  let calls = 0
  const read = createTokenReader(
    () => {
      calls += 1
      throw new Error('no network')
    },
    () => 0,
  )
  expect(await Promise.allSettled([read(), read()])).toMatchObject([
    { status: 'rejected' },
    { status: 'rejected' },
  ])
  await read().catch(() => undefined)
  expect(calls).toBe(2)
})

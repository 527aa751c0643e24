import { ConflictError, errorToData, UnavailableError } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import type { Call, CallResult } from '../tab/calls.js'
import { createCallBatcher } from './call-batch.js'

const get = (path: string) => ({ kind: 'get', store: 'acme/app', path }) as const

test('the calls of a tick are one message, and each gets its own result', async () => {
  const sent: (readonly Call[])[] = []
  const { call } = createCallBatcher(async (batch) => {
    sent.push(batch)
    return batch.map((one): CallResult => ({ ok: true, value: 'path' in one ? one.path : null }))
  })
  const first = [call(get('a')), call(get('b'))]
  expect(sent).toEqual([])
  expect(await Promise.all(first)).toEqual(['a', 'b'])
  await call(get('c'))
  expect(sent.map((batch) => batch.length)).toEqual([2, 1])
})

test('thousands of calls are several messages, in their order', async () => {
  const sent: number[] = []
  const { call } = createCallBatcher(async (batch) => {
    sent.push(batch.length)
    return batch.map((one): CallResult => ({ ok: true, value: 'path' in one ? one.path : null }))
  })
  const paths = Array.from({ length: 2_500 }, (_, i) => `p/${i}`)
  expect(await Promise.all(paths.map((path) => call(get(path))))).toEqual(paths)
  expect(sent).toEqual([1_000, 1_000, 500])
})

test('an error result is rebuilt as its class, and concerns its call only', async () => {
  const { call } = createCallBatcher(async () => [
    { ok: false, error: errorToData(new ConflictError('no', 4)) },
    { ok: true, value: 1 },
  ])
  const [bad, good] = [call(get('a')), call(get('b'))]
  await expect(bad).rejects.toBeInstanceOf(ConflictError)
  expect(await good).toBe(1)
})

test('when the message cannot be sent, all its calls fail', async () => {
  const { call, settled } = createCallBatcher(() => Promise.reject(new UnavailableError('gone')))
  const calls = [call(get('a')), call(get('b'))]
  const results = await Promise.allSettled(calls)
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await settled()
})

test('settled waits for what is in flight and for what is about to be sent', async () => {
  let answer = (_results: CallResult[]): void => undefined
  const answered = new Promise<CallResult[]>((resolve) => {
    answer = resolve
  })
  const { call, settled } = createCallBatcher(() => answered)
  const result = call(get('a'))
  let done = false
  const waiting = settled().then(() => {
    done = true
  })
  await new Promise(setImmediate)
  expect(done).toBe(false)
  answer([{ ok: true, value: 1 }])
  await waiting
  expect(await result).toBe(1)
})

test('a long call travels alone behind its tick, and what ends it behind that', async () => {
  const sent: string[][] = []
  const { call, settled } = createCallBatcher(async (batch) => {
    sent.push(batch.map(({ kind }) => kind))
    return batch[0]?.kind === 'synced'
      ? new Promise(() => undefined)
      : batch.map(() => ({ ok: true, value: null }))
  })
  void call({ kind: 'synced', store: 'acme/app', id: '1' })
  void call({ kind: 'cancel', store: 'acme/app', id: '1' })
  const ordinary = call({ kind: 'open', store: 'acme/app' })
  await ordinary
  expect(sent).toEqual([['open'], ['synced'], ['cancel']])
  await settled()
})

import { expect, test } from 'vitest'
import { NOTHING_REGISTERED } from '../tab/registry.js'
import { TAB_PROTOCOL, type ToLeader } from '../tab/tab-protocol.js'
import { createDeskQueue } from './desk-queue.js'

const WRITE = { kind: 'write', store: 'o/s', op: { op: 'delete', path: 'k', opId: 'op_1' } } as const
const GET = { kind: 'get', store: 'o/s', path: 'k' } as const

/** A message of a tab; the body given completes it. */
const from = (tab: string, body: object): ToLeader =>
  ({ v: TAB_PROTOCOL, schema: 1, from: tab, to: 'leader', ...body }) as ToLeader

const hello = (tab: string, device: string, to: string | null = 'leader') =>
  from(tab, { ...NOTHING_REGISTERED, kind: 'hello', paused: false, persistent: false, device, to })

const calls = (tab: string, batch: number, ...made: object[]) =>
  from(tab, { kind: 'calls', batch, calls: made, again: false })

test('of what a tab says about itself the latest counts, in the place of the first', () => {
  const queue = createDeskQueue()
  queue.add(hello('a', 'first'))
  queue.add(calls('a', 1, GET))
  queue.add(hello('b', 'other'))
  queue.add(hello('a', 'latest'))
  queue.add(hello('a', 'asks who leads', null))
  expect(queue.takeAll()).toMatchObject([{ device: 'latest' }, { batch: 1 }, { device: 'other' }])
  expect(queue.takeAll()).toEqual([])
})

test('calls are taken back by their tab alone', () => {
  const queue = createDeskQueue()
  for (const tab of ['a', 'b']) for (const batch of [1, 2]) queue.add(calls(tab, batch, WRITE))
  expect(queue.forget('a', [2, 3])).toEqual([2])
  expect(queue.takeAll()).toMatchObject([
    { from: 'a', batch: 1 },
    { from: 'b', batch: 1 },
    { from: 'b', batch: 2 },
  ])
})

test('of a tab that is gone only what it has written is kept', () => {
  const queue = createDeskQueue()
  queue.add(hello('a', 'x'))
  queue.add(calls('a', 1, GET))
  queue.add(calls('a', 2, GET, WRITE))
  queue.dropTab('a')
  expect(queue.hasHelloOf('a')).toBe(false)
  expect(queue.takeAll()).toMatchObject([{ batch: 2 }])
})

test('signals are for a connection that there is', () => {
  const queue = createDeskQueue()
  queue.add(from('a', { kind: 'signal', signal: 'online' }))
  expect(queue.takeAll()).toEqual([])
})

import type { StoreEventPayload } from '@dustlayer/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createInbox, type InboxEvent } from './inbox.js'

function item(seq: number): InboxEvent {
  const event: StoreEventPayload = {
    store_seq: seq,
    op: 'set',
    path: 'a',
    path_segments: ['a'],
    value: seq,
    device_id: null,
    client_op_id: null,
  }
  return { event, catchUp: false }
}

test('C21 C22 events that come in any order, some twice, come out once each and in order', () => {
  const arrival = fc
    .integer({ min: 0, max: 40 })
    .chain((head) =>
      fc.tuple(
        fc.constant(head),
        fc.shuffledSubarray(range(head).concat(range(head)), { minLength: head * 2, maxLength: head * 2 }),
        fc.integer({ min: 1, max: 5 }),
      ),
    )
  fc.assert(
    fc.property(arrival, ([head, seqs, limit]) => {
      const inbox = createInbox()
      const taken: number[] = []
      for (const seq of seqs) {
        inbox.add(item(seq))
        const events = inbox.take(limit).map(({ event }) => event.store_seq)
        taken.push(...events)
        inbox.advance(events.at(-1) ?? inbox.cursor)
      }
      while (inbox.ready > 0) {
        taken.push(inbox.cursor + 1)
        inbox.advance(inbox.cursor + 1)
      }
      expect(taken).toEqual(range(head))
      expect(inbox.gap).toBe(false)
    }),
  )
})

test('what is known to exist and has not come is a gap', () => {
  const inbox = createInbox()
  inbox.expect(2)
  expect(inbox.gap).toBe(true)
  inbox.add(item(2))
  expect([inbox.ready, inbox.gap]).toEqual([0, true])
  inbox.add(item(1))
  expect([inbox.ready, inbox.gap]).toEqual([2, false])
})

test('early events are bounded: the newest are dropped and leave a gap', () => {
  const inbox = createInbox()
  for (let seq = 2; seq <= 10_101; seq += 1) inbox.add(item(seq))
  inbox.add(item(1))
  expect([inbox.ready, inbox.gap]).toEqual([10_001, true])
})

test('a snapshot skips what it covers', () => {
  const inbox = createInbox()
  for (const seq of [3, 900, 901]) inbox.add(item(seq))
  inbox.advance(899)
  expect(inbox.take(10).map(({ event }) => event.store_seq)).toEqual([900, 901])
})

function range(head: number): number[] {
  return Array.from({ length: head }, (_, index) => index + 1)
}

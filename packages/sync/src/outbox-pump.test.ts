import { DustError, FrameError, type FramePayload, type Reply, type WritePayload } from '@dustlayer/protocol'
import type { OutboxOp } from '@dustlayer/replica'
import { expect, test } from 'vitest'
import { createOutboxPump, type Lane, type OutboxPort } from './outbox-pump.js'
import { createFakeTime } from './testing/fake-time.js'

function outboxOp(position: number): OutboxOp {
  const payload: WritePayload = {
    op: 'set',
    path: `k${position}`,
    path_segments: [`k${position}`],
    value: position,
    client_op_id: `op_${position}`,
  }
  return { position, opId: payload.client_op_id, payload, waitsFor: null, acked: false, batch: null }
}

interface Pushed {
  readonly event: string
  readonly opId: string
  readonly payload: FramePayload
  answer(reply: Reply): void
}

/** An outbox in memory, and a lane that keeps what it is given. */
function setUp(count: number, changes: Partial<OutboxOp> = {}) {
  let pending: OutboxOp[] = Array.from({ length: count }, (_, index) => ({
    ...outboxOp(index + 1),
    ...changes,
  }))
  const settled: { readonly opId: string; readonly outcome: number | null | DustError }[] = []
  const settle = (opId: string, outcome: number | null | DustError): void => {
    pending = pending.filter((op) => op.opId !== opId)
    settled.push({ opId, outcome })
  }
  const settleBatch = (batchId: string, outcome: readonly number[] | DustError): void => {
    const ops = pending.filter(({ batch }) => batch?.id === batchId)
    for (const [index, { opId }] of ops.entries())
      settle(opId, outcome instanceof DustError ? outcome : (outcome[index] ?? null))
  }
  const port: OutboxPort = {
    outbox: (after, limit) => pending.filter(({ position }) => position > after).slice(0, limit),
    ack: settle,
    ackBatch: settleBatch,
    reject: settle,
    rejectBatch: settleBatch,
  }
  const time = createFakeTime()
  const pushed: Pushed[] = []
  const calls: string[] = []
  const lane: Lane & { buffered: number } = {
    buffered: 0,
    push(event, payload, onReply) {
      pushed.push({ event, opId: String(payload.client_op_id), payload, answer: onReply })
      return { ref: String(pushed.length), bytes: 100 }
    },
    probe: () => calls.push('probe'),
    rejoin: () => calls.push('rejoin'),
  }
  const pump = createOutboxPump({
    store: 'acme/app',
    port,
    clock: time.clock(),
    random: () => 0.5,
    answered: () => pump.settle(),
    accepted: () => {},
    resumed: () => pump.pump(),
  })
  return { time, pump, lane, pushed, settled, calls }
}

const WRITABLE = { write: true, batches: true, inLog: () => false }

test('a release that found nothing is accepted without a place in the log', () => {
  const { pump, lane, pushed, settled } = setUp(1)
  pump.start(lane, WRITABLE)
  pump.pump()
  pushed[0]?.answer({ status: 'ok', response: { released: false } })
  expect(settled).toEqual([{ opId: 'op_1', outcome: null }])
})

test('an op that cannot be encoded is rejected, and the ones behind it go on', () => {
  const { pump, lane, settled } = setUp(2)
  const sent: string[] = []
  const picky: Lane = {
    ...lane,
    push(event, payload, onReply) {
      if (payload.client_op_id === 'op_1') throw new FrameError('an unpaired surrogate')
      sent.push(String(payload.client_op_id))
      return lane.push(event, payload, onReply)
    },
  }
  pump.start(picky, WRITABLE)
  pump.pump()
  expect(settled).toMatchObject([{ opId: 'op_1', outcome: { code: 'not_encodable' } }])
  expect(sent).toEqual(['op_2'])
})

test('a socket with much in its buffer is left to drain', () => {
  const { time, pump, lane, pushed } = setUp(1)
  lane.buffered = 2_000_000
  pump.start(lane, WRITABLE)
  pump.pump()
  time.advance(500)
  expect(pushed).toEqual([])
  lane.buffered = 0
  time.advance(100)
  expect(pushed).toHaveLength(1)
})

test('I04 silence: the link is probed after 10 s and the topic joined again after 30 s', () => {
  const { time, pump, lane, calls } = setUp(1)
  pump.start(lane, WRITABLE)
  pump.pump()
  time.advance(10_000)
  expect(calls).toEqual(['probe'])
  time.advance(21_000)
  expect(calls).toEqual(['probe', 'rejoin'])
})

test('an answer without a reason is a rejection, not a loop', () => {
  const { pump, lane, pushed, settled } = setUp(1)
  pump.start(lane, WRITABLE)
  pump.pump()
  pushed[0]?.answer({ status: 'error', response: {} })
  pump.pump()
  expect(settled).toMatchObject([{ opId: 'op_1', outcome: { code: 'unknown' } }])
  expect(pushed).toHaveLength(1)
})

test('an unmatched topic means joining again, and the op stays', () => {
  const { pump, lane, pushed, settled, calls } = setUp(1)
  pump.start(lane, WRITABLE)
  pump.pump()
  pushed[0]?.answer({ status: 'error', response: { reason: 'unmatched topic' } })
  expect([calls, settled]).toEqual([['rejoin'], []])
})

test('after a crash the ops that were under way go one by one, later ones not', () => {
  const { pump, lane, pushed } = setUp(5)
  pump.start(lane, WRITABLE)
  pump.pump()
  expect(pushed).toHaveLength(5)
  pump.stop('crash')
  pushed.length = 0
  pump.start(lane, WRITABLE)
  for (const position of [1, 2, 3, 4, 5]) {
    pump.pump()
    expect(pushed.map(({ opId }) => opId)).toEqual([`op_${position}`])
    pushed.splice(0)[0]?.answer({ status: 'ok', response: { store_seq: position } })
  }
})

test('an op that is acknowledged and waits for its echo is not sent', () => {
  const { pump, lane, pushed } = setUp(2, { acked: true })
  pump.start(lane, WRITABLE)
  pump.pump()
  expect(pushed).toEqual([])
})

test('I21 after a rate limit only what it refused is sent again, once everything else is answered', () => {
  const { time, pump, lane, pushed } = setUp(2)
  pump.start(lane, WRITABLE)
  pump.pump()
  pushed[0]?.answer({ status: 'error', response: { reason: 'rate_limited', retry_after_ms: 5_000 } })
  time.advance(5_000)
  expect(pushed.map(({ opId }) => opId)).toEqual(['op_1', 'op_2'])
  pushed[1]?.answer({ status: 'ok', response: { store_seq: 1 } })
  pump.pump()
  expect(pushed.map(({ opId }) => opId)).toEqual(['op_1', 'op_2', 'op_1'])
})

test('I21 the server says how long to wait, and without a wish the waits grow', () => {
  const { time, pump, lane, pushed } = setUp(1)
  pump.start(lane, WRITABLE)
  pump.pump()
  const sentAt: number[] = []
  for (let attempt = 0; attempt < 6; attempt += 1) {
    pushed.at(-1)?.answer({ status: 'error', response: { reason: 'rate_limited', retry_after_ms: 0 } })
    const from = time.now
    time.until(() => pushed.length === attempt + 2)
    sentAt.push(time.now - from)
  }
  expect([...sentAt].sort((a, b) => a - b)).toEqual(sentAt)
  expect(new Set(sentAt).size).toBe(sentAt.length)
  expect(sentAt[0]).toBeGreaterThanOrEqual(250)
})

test('I21 what came out of turn behind a rate limit goes again with it, in order', () => {
  const { time, pump, lane, pushed, settled } = setUp(3)
  pump.start(lane, WRITABLE)
  pump.pump()
  pushed[0]?.answer({ status: 'error', response: { reason: 'rate_limited', retry_after_ms: 1_000 } })
  time.advance(1_000)
  for (const index of [1, 2]) pushed[index]?.answer({ status: 'error', response: { reason: 'out_of_turn' } })
  pump.pump()
  expect(pushed.map(({ opId }) => opId)).toEqual(['op_1', 'op_2', 'op_3', 'op_1', 'op_2', 'op_3'])
  expect(settled).toEqual([])
})

test('out of turn without a reason is cleared up by a new join', () => {
  const { pump, lane, pushed, calls } = setUp(1)
  pump.start(lane, WRITABLE)
  pump.pump()
  pushed[0]?.answer({ status: 'error', response: { reason: 'out_of_turn' } })
  expect(calls).toEqual(['rejoin'])
})

test('close cancels every timer', () => {
  const { time, pump, lane, pushed } = setUp(2)
  pump.start(lane, WRITABLE)
  pump.pump()
  pushed[0]?.answer({ status: 'error', response: { reason: 'rate_limited', retry_after_ms: 5_000 } })
  pump.close()
  pushed.length = 0
  time.advance(60_000)
  expect(pushed).toEqual([])
})

test('events of others in between do not hide that the server does not answer', () => {
  const { time, pump, lane, calls } = setUp(1)
  pump.start(lane, WRITABLE)
  pump.pump()
  for (let second = 0; second < 15; second++) {
    time.advance(1_000)
    pump.settle()
  }
  expect(calls).toEqual(['probe'])
})

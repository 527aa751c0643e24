import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMsgpackCodec, jsonCodec } from '../codec.js'
import { FrameError } from '../errors.js'
import type { FramePayload } from '../frame.js'
import type { JsonValue } from '../json.js'
import { type Op, toWritePayload } from '../op.js'
import { renderPath } from '../path.js'
import { MAX_BATCH_OPS, parseBatch, parseBatchReply, refusedOpIndex, toBatchPayload } from './batch.js'

const set = (path: string, opId: string) => toWritePayload({ op: 'set', path, value: 1, opId })

const path = fc
  .array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 4 })
  .map(renderPath)
const argument = fc.oneof(
  fc.record({
    op: fc.constant('set' as const),
    value: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
  }),
  fc.record({ op: fc.constant('merge' as const), value: fc.dictionary(fc.string(), fc.integer()) }),
  fc.record({
    op: fc.constant('increment' as const),
    value: fc.oneof(fc.integer(), fc.bigInt(2n ** 53n, 2n ** 63n)),
  }),
  fc.record({ op: fc.constant('add' as const), value: fc.string() }),
  fc.record({ op: fc.constant('delete' as const), value: fc.constant(null) }),
)
const fence = fc.record({ key: path, token: fc.nat() })
const ops = fc
  .array(fc.tuple(argument, path, fc.option(fence, { nil: undefined })), { minLength: 1, maxLength: 8 })
  .map((list) =>
    list.map(
      ([each, at, fenced], i): Op => ({
        ...each,
        path: at,
        opId: `op${i}`,
        ...(fenced && { fence: fenced }),
      }),
    ),
  )

describe('batch', () => {
  it('travels through both codecs and comes back as the same ops', () => {
    fc.assert(
      fc.property(fc.string(), ops, (id, list) => {
        for (const codec of [jsonCodec, createMsgpackCodec()]) {
          const payload = toBatchPayload(id, list.map(toWritePayload))
          const frame = codec.decode(codec.encode(['1', '2', 'store:o/s', 'batch', payload]))
          expect(parseBatch(frame[4])).toEqual({ ok: true, id, ops: list })
        }
      }),
    )
  })

  it.each<[string, FramePayload, JsonValue]>([
    ['no id', { ops: [set('a', '1')] }, { reason: 'missing_client_op_id' }],
    ['no list', { client_op_id: 'b', ops: {} }, { reason: 'invalid_batch' }],
    ['no ops', { client_op_id: 'b', ops: [] }, { reason: 'invalid_batch' }],
    [
      'an op that is none',
      { client_op_id: 'b', ops: [set('a', '1'), 7] },
      { reason: 'invalid_batch', op_index: 1 },
    ],
    [
      'an op of an unknown name',
      { client_op_id: 'b', ops: [{ ...set('a', '1'), op: 'explode' }] },
      { reason: 'invalid op', op_index: 0 },
    ],
    [
      'an op with a fault of its own',
      {
        client_op_id: 'b',
        ops: [set('a', '1'), { ...set('a', '2'), op: 'increment', value: 'x', if_match: 1 }],
      },
      { reason: 'increment_requires_number_value', op_index: 1 },
    ],
    [
      'an op without an id',
      { client_op_id: 'b', ops: [{ op: 'set', path: 'a', value: 1 }] },
      { reason: 'missing_client_op_id', op_index: 0 },
    ],
    [
      'the same id twice',
      { client_op_id: 'b', ops: [set('a', '1'), set('b', '2'), set('c', '1')] },
      { reason: 'duplicate_client_op_id', op_index: 2 },
    ],
    [
      'a lease',
      { client_op_id: 'b', ops: [toWritePayload({ op: 'lease', path: 'a', value: null, opId: '1' })] },
      { reason: 'lease_in_batch', op_index: 0 },
    ],
    [
      'too many ops',
      { client_op_id: 'b', ops: Array.from({ length: MAX_BATCH_OPS + 1 }, (_, i) => set('a', `${i}`)) },
      { reason: 'batch_too_large', limit: MAX_BATCH_OPS },
    ],
  ])('is refused with %s', (_, payload, rejection) => {
    expect(parseBatch(payload)).toEqual({ ok: false, rejection })
  })
})

describe('the reply to a batch', () => {
  it('has a store_seq for each op', () => {
    expect(parseBatchReply({ store_seq: 9, store_seqs: [7, 8, 9] }, 3)).toEqual({
      store_seq: 9,
      store_seqs: [7, 8, 9],
    })
  })

  it.each<[FramePayload]>([
    [{ store_seq: 9 }],
    [{ store_seqs: [7, 8, 9] }],
    [{ store_seq: 9, store_seqs: [8, 9] }],
    [{ store_seq: 9, store_seqs: [7, 9, 9] }],
    [{ store_seq: 10, store_seqs: [7, 8, 9] }],
    [{ store_seq: '9', store_seqs: [7, 8, 9] }],
  ])('is no reply to three ops: %j', (response) => {
    expect(() => parseBatchReply(response, 3)).toThrow(FrameError)
  })

  it('names the op that was refused, where it is one', () => {
    expect(refusedOpIndex({ reason: 'conflict', op_index: 2 })).toBe(2)
    expect(refusedOpIndex({ reason: 'rate_limited' })).toBeNull()
    expect(refusedOpIndex({ reason: 'conflict', op_index: -1 })).toBeNull()
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMsgpackCodec, jsonCodec } from '../codec.js'
import { FrameError } from '../errors.js'
import type { FramePayload } from '../frame.js'
import { compareUtf8, renderPath } from '../path.js'
import { typeOf } from '../value.js'
import { parseDigestReply } from './digest-reply.js'
import { splitEventBatch } from './event-batch.js'
import { decodeSnapshotChunk, MAX_CHUNK_ENTRIES, type SnapshotChunkPayload } from './snapshot-chunk.js'

const path = fc
  .array(fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
  .map(renderPath)
const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.integer()))

const chunk = fc
  .tuple(
    fc.uniqueArray(path, { maxLength: 20 }),
    fc.array(value, { minLength: 20 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([paths, values, last, first]): SnapshotChunkPayload => {
    paths.sort(compareUtf8)
    const from = first ? null : (paths.shift() ?? null)
    const entries = paths.map((each, i) => {
      const held = values[i] ?? null
      return { path: each, value: held, type: typeOf(held), seq: i }
    })
    return { snapshot_seq: 20, entries, from, after: paths.at(-1) ?? from, last }
  })

const entry = (at: string, seq = 1) => ({ path: at, value: 1, type: 'integer', seq })
const valid = {
  snapshot_seq: 5,
  entries: [entry('b'), entry('b/c', 5)],
  from: 'a',
  after: 'b/c',
  last: false,
}

describe('snapshot_chunk', () => {
  it('travels through both codecs', () => {
    fc.assert(
      fc.property(chunk, (payload) => {
        for (const codec of [jsonCodec, createMsgpackCodec()]) {
          const frame = codec.decode(codec.encode(['1', null, 'store:o/s', 'snapshot_chunk', payload]))
          expect(decodeSnapshotChunk(frame[4])).toEqual(payload)
        }
      }),
    )
  })

  it('tells a type that is unknown here from the value', () => {
    const entries = [{ ...entry('b'), type: 'hologram' }]
    expect(decodeSnapshotChunk({ ...valid, entries, after: 'b' }).entries[0]?.type).toBe('integer')
  })

  it.each<[string, FramePayload]>([
    ['no seq', { ...valid, snapshot_seq: null }],
    ['entries that are no list', { ...valid, entries: {} }],
    [
      'too many entries',
      { ...valid, entries: Array.from({ length: MAX_CHUNK_ENTRIES + 1 }, () => entry('b')) },
    ],
    ['an entry that is none', { ...valid, entries: [null] }],
    ['an invalid path', { ...valid, entries: [entry('b//c')], after: 'b//c' }],
    ['a path that is no text', { ...valid, entries: [{ ...entry('b'), path: ['b'] }] }],
    ['no value', { ...valid, entries: [{ path: 'b', type: 'null', seq: 1 }], after: 'b' }],
    ['an entry that is newer', { ...valid, entries: [entry('b', 6)], after: 'b' }],
    ['entries out of order', { ...valid, entries: [entry('c'), entry('b')], after: 'b' }],
    ['the same entry twice', { ...valid, entries: [entry('b'), entry('b')], after: 'b' }],
    ['an entry before its start', { ...valid, from: 'b' }],
    ['another end than it says', { ...valid, after: 'b' }],
    ['no end', { ...valid, after: null }],
    ['an end but no entries', { ...valid, entries: [] }],
    ['no word about being the last', { ...valid, last: 1 }],
  ])('is refused with %s', (_, payload) => {
    expect(() => decodeSnapshotChunk(payload)).toThrow(FrameError)
  })
})

describe('events', () => {
  it('stands for the payloads of so many events', () => {
    expect(splitEventBatch({ events: [{ store_seq: 1 }, {}] })).toEqual([{ store_seq: 1 }, {}])
  })

  it.each<[FramePayload]>([
    [{}],
    [{ events: {} }],
    [{ events: [] }],
    [{ events: [{}, []] }],
    [{ events: Array.from({ length: MAX_CHUNK_ENTRIES + 1 }, () => ({})) }],
  ])('is refused when malformed', (payload) => {
    expect(() => splitEventBatch(payload)).toThrow(FrameError)
  })
})

describe('the reply to digest', () => {
  it('has a seq and 16 hex digits', () => {
    const reply = { seq: 7, digest: '00ff00ff00ff00ff' }
    expect(parseDigestReply(reply)).toEqual(reply)
    expect(() => parseDigestReply({ ...reply, digest: '00FF00FF00FF00FF' })).toThrow(FrameError)
    expect(() => parseDigestReply({ ...reply, digest: 7 })).toThrow(FrameError)
    expect(() => parseDigestReply({ digest: reply.digest })).toThrow(FrameError)
  })
})

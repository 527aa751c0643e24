import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMsgpackCodec, jsonCodec } from '../codec.js'
import { FrameError } from '../errors.js'
import type { FramePayload } from '../frame.js'
import { type ExtendedJoinPayload, parseJoinExtensions, parseJoinReplyExtensions } from './join.js'
import { EXTENSIONS, type ExtensionName } from './names.js'

const names = fc.subarray<ExtensionName>([...EXTENSIONS])
const text = fc.string({ unit: 'binary' })

describe('M06 a join that asks for nothing', () => {
  it.each<[FramePayload]>([
    [{ last_store_seq: 0 }],
    [{ last_store_seq: 0, incarnation: 'i' }],
    [{ last_store_seq: 0, extensions: null }],
    [{ last_store_seq: 0, extensions: 'batch' }],
    [{ last_store_seq: 0, extensions: { batch: true } }],
  ])('gets nothing: %j', (payload) => {
    expect(parseJoinExtensions(payload)).toBeNull()
  })
})

describe('a join that asks', () => {
  it('travels through both codecs', () => {
    const snapshot = fc.option(fc.record({ seq: fc.maxSafeNat(), after: text }), { nil: undefined })
    fc.assert(
      fc.property(names, fc.option(text), snapshot, (extensions, incarnation, resume) => {
        const asked = { extensions, incarnation, ...(resume && { snapshot: resume }) }
        const payload: ExtendedJoinPayload = { last_store_seq: 4, ...asked }
        for (const codec of [jsonCodec, createMsgpackCodec()]) {
          const frame = codec.decode(codec.encode(['1', '1', 'store:o/s', 'phx_join', payload]))
          expect(parseJoinExtensions(frame[4])).toEqual(asked)
        }
      }),
    )
  })

  it('may name what is unknown here', () => {
    expect(parseJoinExtensions({ extensions: ['teleport', 'digest', 7, 'digest'] })).toEqual({
      extensions: ['digest'],
      incarnation: null,
    })
  })

  it.each<[FramePayload]>([
    [{ extensions: [], incarnation: 7 }],
    [{ extensions: [], snapshot: 'a' }],
    [{ extensions: [], snapshot: { seq: -1, after: 'a' } }],
    [{ extensions: [], snapshot: { seq: 1 } }],
    [{ extensions: [], snapshot: { seq: 1.5, after: 'a' } }],
  ])('is refused when malformed: %j', (payload) => {
    expect(() => parseJoinExtensions(payload)).toThrow(FrameError)
  })
})

describe('the reply to a join', () => {
  it('grants nothing when the server knows no extensions', () => {
    const none = { extensions: [], incarnation: null, reset: false }
    expect(parseJoinReplyExtensions({ store_seq: 3, capver: 3 })).toEqual(none)
    expect(parseJoinReplyExtensions({ store_seq: 3, reset: true, extensions: null })).toEqual(none)
  })

  it('names what both can do, the incarnation, and whether to start anew', () => {
    const response = { extensions: ['incarnation', 'future'], incarnation: 'i1' }
    const granted = { extensions: ['incarnation'], incarnation: 'i1' }
    expect(parseJoinReplyExtensions(response)).toEqual({ ...granted, reset: false })
    expect(parseJoinReplyExtensions({ ...response, reset: true })).toEqual({ ...granted, reset: true })
    expect(() => parseJoinReplyExtensions({ ...response, incarnation: 1 })).toThrow(FrameError)
  })
})

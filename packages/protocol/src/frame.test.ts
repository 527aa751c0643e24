import { describe, expect, it } from 'vitest'
import { FrameError } from './errors.js'
import { decodeStoreEvent, type FramePayload, parseFrame } from './frame.js'

describe('parseFrame', () => {
  it('ignores elements after the fifth and keeps refs as they are', () => {
    expect(parseFrame(['1', 7, 't', 'e', { a: 1 }, 'more'])).toEqual(['1', 7, 't', 'e', { a: 1 }])
    expect(parseFrame([null, null, 't', 'e', {}])).toEqual([null, null, 't', 'e', {}])
  })

  it.each([
    null,
    {},
    'text',
    [],
    ['1', '1', 't', 'e'],
    [1.5, '1', 't', 'e', {}],
    [{}, '1', 't', 'e', {}],
    ['1', true, 't', 'e', {}],
    ['1', '1', null, 'e', {}],
    ['1', '1', 't', 5, {}],
    ['1', '1', 't', 'e', null],
    ['1', '1', 't', 'e', []],
    ['1', '1', 't', 'e', 'x'],
  ])('refuses %j', (value) => {
    expect(() => parseFrame(value)).toThrow(FrameError)
  })
})

describe('decodeStoreEvent', () => {
  const event = {
    store_seq: 3,
    op: 'set',
    path: 'a~1b/c',
    path_segments: ['a/b', 'c'],
    value: 1,
    device_id: 'dev_1',
    client_op_id: 'op_1',
  } satisfies FramePayload

  it('reads an event and leaves out fields it does not know', () => {
    expect(decodeStoreEvent({ ...event, extra: true })).toEqual(event)
  })

  it('parses the path of rows without segments', () => {
    expect(decodeStoreEvent({ ...event, path_segments: null })).toEqual(event)
    const { path_segments: _, ...without } = event
    expect(decodeStoreEvent(without)).toEqual(event)
  })

  it('takes a missing value for null', () => {
    const { value: _, ...without } = event
    expect(decodeStoreEvent({ ...without, op: 'release' })).toMatchObject({ value: null })
  })

  it.each<FramePayload>([
    { store_seq: '3' },
    { store_seq: -1 },
    { store_seq: 1.5 },
    { store_seq: 2n ** 53n },
    { op: 'explode' },
    { op: null },
    { op: 'constructor' },
    { path_segments: [] },
    { path_segments: ['a', 5] },
    { path_segments: 'a' },
    { path_segments: null, path: 'a//b' },
    { path_segments: null, path: null },
    { device_id: 5 },
    { client_op_id: {} },
  ])('refuses %o', (wrong) => {
    expect(() => decodeStoreEvent({ ...event, ...wrong })).toThrow(FrameError)
  })
})

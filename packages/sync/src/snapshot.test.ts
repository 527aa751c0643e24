import { FrameError } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { decodeSnapshot } from './snapshot.js'

const DECIMAL = { _type: 'decimal', value: '1.50' }

test('C17 wrapped values are unwrapped, typed ones left alone', () => {
  const entries = {
    a: { value: { _scalar: 'x' }, type: 'string' },
    b: { value: { _scalar: [1, 2] }, type: 'list' },
    c: { value: DECIMAL, type: 'decimal' },
    d: { value: { _scalar: null }, type: 'null' },
  }
  expect(decodeSnapshot({ snapshot_seq: 7, entries })).toEqual({
    seq: 7,
    entries: [
      { path: 'a', value: 'x', type: 'string' },
      { path: 'b', value: [1, 2], type: 'list' },
      { path: 'c', value: DECIMAL, type: 'decimal' },
      { path: 'd', value: null, type: 'null' },
    ],
  })
})

test('C18 plain values give the same result, and an entry may have its own revision', () => {
  expect(
    decodeSnapshot({ snapshot_seq: 7, entries: { a: { value: 'x', type: 'string', seq: 3 } } }).entries,
  ).toEqual([{ path: 'a', value: 'x', type: 'string', seq: 3 }])
})

test('a type of a newer server is told from the value', () => {
  expect(
    decodeSnapshot({ snapshot_seq: 1, entries: { a: { value: 2, type: 'quantum' } } }).entries[0]?.type,
  ).toBe('integer')
})

test.each([
  [{ snapshot_seq: -1, entries: {} }],
  [{ entries: {} }],
  [{ snapshot_seq: 1 }],
  [{ snapshot_seq: 1, entries: [] }],
  [{ snapshot_seq: 1, entries: { a: 1 } }],
  [{ snapshot_seq: 1, entries: { 'a//b': { value: 1, type: 'integer' } } }],
])('the malformed snapshot %j is refused', (payload) => {
  expect(() => decodeSnapshot(payload)).toThrow(FrameError)
})

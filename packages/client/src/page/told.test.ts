import { parsePattern } from '@dustlayer/protocol'
import type { EntryData, DustEvent as ReplicaEvent } from '@dustlayer/replica'
import { describe, expect, test } from 'vitest'
import { createTold } from './told.js'

const STORE = 'o/s'

const leaf = (path: string, value: EntryData['value']): EntryData => ({
  path,
  value,
  type: 'string',
  revision: 1,
  syncedAt: 1,
  pending: false,
})

const event = (op: ReplicaEvent['op'], path: string, value: ReplicaEvent['value']): ReplicaEvent => ({
  store: STORE,
  path,
  op,
  value,
  committed: true,
  source: 'server',
  own: false,
  catchUp: false,
})

const summary = (events: readonly ReplicaEvent[]) => events.map(({ op, path, value }) => [op, path, value])

describe('what a watch has told', () => {
  test('is compared with what is there: gone, changed, new', () => {
    const told = createTold(parsePattern('**'), [leaf('a', 'x'), leaf('b', 'x'), leaf('c', 'x')])
    const missed = told.level(STORE, [leaf('b', 'y'), leaf('c', 'x'), leaf('d', 'z')])
    expect(summary(missed)).toEqual([
      ['delete', 'a', null],
      ['set', 'b', 'y'],
      ['set', 'd', 'z'],
    ])
    expect(missed.every(({ cause }) => cause?.op === 'snapshot')).toBe(true)
    expect(told.level(STORE, [leaf('b', 'y'), leaf('c', 'x'), leaf('d', 'z')])).toEqual([])
  })

  test('follows every op, so that nothing is told twice', () => {
    const told = createTold(parsePattern('a/**'), [
      leaf('a/x/1', 'old'),
      leaf('a/x/2', 'old'),
      leaf('a/y', 'old'),
    ])
    told.note(event('set', 'a/x', { n: 1 }))
    told.note(event('merge', 'a', { y: 'new' }))
    told.note(event('increment', 'a/count', 5))
    expect(told.level(STORE, [leaf('a/count', 5), leaf('a/x/n', 1), leaf('a/y', 'new')])).toEqual([])
    told.note(event('delete', 'a', null))
    expect(told.level(STORE, [])).toEqual([])
  })

  test('is made clear where only an argument was told', () => {
    const told = createTold(parsePattern('n'), [leaf('n', 4)])
    told.note({ ...event('increment', 'n', 1), committed: false, source: 'local', own: true })
    expect(summary(told.level(STORE, [leaf('n', 5)]))).toEqual([['set', 'n', 5]])
  })

  test('is not touched by a refusal, which corrections follow', () => {
    const told = createTold(parsePattern('a'), [leaf('a', 'x')])
    const error = { name: 'ConflictError', code: 'conflict', message: '', fields: {} }
    told.note({ ...event('set', 'a', null), committed: false, error })
    told.note({ ...event('set', 'a', 'y'), committed: false, correctionFor: 'op' })
    expect(told.level(STORE, [leaf('a', 'y')])).toEqual([])
  })
})

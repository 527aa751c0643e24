import { expect, test } from 'vitest'
import { GONE_AFTER_MS, initials, livePeers, readPeer } from './presence-model.js'

test('a presence entry needs a name and a colour', () => {
  expect(readPeer('w1', { name: 'Amber Otter', hue: 20, task: '' }, 5)).toEqual({
    id: 'w1',
    name: 'Amber Otter',
    hue: 20,
    task: null,
    seenAt: 5,
  })
  for (const value of [null, 'x', {}, { name: 'A' }, { name: 1, hue: 1 }])
    expect(readPeer('w1', value, 5)).toBeUndefined()
})

test('a window that was silent for too long is gone', () => {
  const peers = ['b', 'a'].map((id) => ({ id, name: id, hue: 0, task: null, seenAt: id === 'a' ? 0 : 10 }))
  expect(livePeers(peers, GONE_AFTER_MS - 1).map(({ id }) => id)).toEqual(['a', 'b'])
  expect(livePeers(peers, GONE_AFTER_MS).map(({ id }) => id)).toEqual(['b'])
})

test('initials', () => {
  expect(initials('Amber Otter')).toBe('AO')
  expect(initials('')).toBe('')
})

import { expect, test } from 'vitest'
import { ago, type StatusFacts, statusWords } from './words.js'

const NOW = 1_000_000_000
const facts: StatusFacts = {
  connection: 'live',
  switchedOff: false,
  pending: { count: 0, oldestAt: null },
  caughtUpAt: NOW,
  storage: { kind: 'opfs' },
  leader: true,
  error: null,
}

test('all is well', () => {
  expect(statusWords(facts, NOW)).toMatchObject({
    tone: 'good',
    connection: 'Live',
    pending: 'All changes sent',
    freshness: 'Up to date',
    error: '',
  })
})

test('offline by choice, with changes waiting', () => {
  const words = statusWords(
    {
      ...facts,
      connection: 'offline',
      switchedOff: true,
      caughtUpAt: NOW - 90_000,
      pending: { count: 2, oldestAt: NOW - 4_000 },
    },
    NOW,
  )
  expect(words).toMatchObject({
    tone: 'off',
    connection: 'Offline (switched off)',
    pending: '2 changes to send, oldest 4 s ago',
    freshness: 'Synced 2 min ago',
  })
})

test('memory says what follows, and why', () => {
  expect(
    statusWords({ ...facts, storage: { kind: 'memory', reason: 'opfs: no access' } }, NOW).storageDetail,
  ).toBe('Everything here is gone when the last tab closes. opfs: no access')
})

test('a refusal gives its reason', () => {
  expect(
    statusWords({ ...facts, connection: 'refused', error: { message: 'The token was revoked.' } }, NOW).error,
  ).toBe('The token was revoked.')
})

test.each([
  [0, '0 s ago'],
  [-5_000, '0 s ago'],
  [59_000, '59 s ago'],
  [61_000, '1 min ago'],
  [7_200_000, '2 h ago'],
  [86_400_000, '1 day ago'],
  [400_000_000, '5 days ago'],
])('%i ms is %s', (ms, text) => {
  expect(ago(ms)).toBe(text)
})

test('what nobody can be asked is not told as nothing', () => {
  const words = statusWords({ ...facts, pending: { count: null, oldestAt: null } }, NOW)
  expect(words.pending).toBe('Changes not known now')
})

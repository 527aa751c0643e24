import { openBetterSqlite } from '@dustlayer/replica/testing'
import { expect, test } from 'vitest'
import type { DatabaseFiles } from './database-files.js'
import { openLadder, type Rung, type StorageTerms } from './ladder.js'
import { LaterEpochError } from './later-epoch.js'

const files: DatabaseFiles = {
  kind: 'memory',
  names: () => [],
  open: async () => ({ driver: openBetterSqlite(), unclean: false, durable: () => null }),
  openDamaged: async () => openBetterSqlite(),
  remove: async () => undefined,
  makeRoom: () => false,
  close: async () => undefined,
  roomy: true,
  present: async () => true,
  abandon: () => undefined,
}
const memory: Rung = { name: 'memory', open: async () => files }
const broken = (name: string): Rung => ({
  name,
  open: () => Promise.reject(new Error('no access handles')),
})
const termsOf = (signal: AbortSignal): StorageTerms => ({
  epoch: 1,
  signal,
  onWaiting: () => undefined,
  onFault: () => undefined,
})
const terms = termsOf(new AbortController().signal)

test('the first rung that opens is taken', async () => {
  expect(await openLadder([memory, broken('never tried')], terms)).toEqual({ files, reason: undefined })
})

test('a lower rung says why the upper ones were not taken', async () => {
  expect(await openLadder([broken('opfs'), broken('indexeddb'), memory], terms)).toEqual({
    files,
    reason: 'opfs: no access handles; indexeddb: no access handles',
  })
})

test('when none opens, the error tells all failures', async () => {
  const failing = openLadder([broken('opfs'), broken('indexeddb')], terms)
  await expect(failing).rejects.toThrow('opfs: no access handles; indexeddb: no access handles')
})

test('who leaves while a rung is tried gets no lower one', async () => {
  const leaving = new AbortController()
  const waiting: Rung = {
    name: 'opfs',
    open: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  }
  const opening = openLadder([waiting, memory], termsOf(leaving.signal))
  leaving.abort()
  await expect(opening).rejects.toBe(leaving.signal.reason)
})

test('what a later leader has stored is not left for a lower rung', async () => {
  const later: Rung = { name: 'indexeddb', open: () => Promise.reject(new LaterEpochError(7)) }
  await expect(openLadder([broken('opfs'), later, memory], terms)).rejects.toMatchObject({ epoch: 7 })
})

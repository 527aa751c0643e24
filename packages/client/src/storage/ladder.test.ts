import { openBetterSqlite } from '@dustlayer/replica/testing'
import { expect, test } from 'vitest'
import { openLadder, type Rung } from './ladder.js'

const memory: Rung = {
  name: 'memory',
  open: async () => ({
    info: { kind: 'memory', persisted: null },
    open: async () => openBetterSqlite(),
    close: async () => undefined,
  }),
}
const broken = (name: string): Rung => ({
  name,
  open: () => Promise.reject(new Error('no access handles')),
})

test('the first rung that opens is taken', async () => {
  const storage = await openLadder([memory, broken('never tried')])
  expect(storage.info).toEqual({ kind: 'memory', persisted: null })
})

test('a lower rung says why the upper ones were not taken', async () => {
  const storage = await openLadder([broken('opfs'), broken('indexeddb'), memory])
  expect(storage.info).toEqual({
    kind: 'memory',
    persisted: null,
    reason: 'opfs: no access handles; indexeddb: no access handles',
  })
})

test('when none opens, the last failure is the error', async () => {
  await expect(openLadder([broken('opfs')])).rejects.toThrow('no access handles')
})

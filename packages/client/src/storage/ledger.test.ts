import { expect, test } from 'vitest'
import { createLedger, type LedgerRecord } from './ledger.js'

const record: LedgerRecord = { generation: 'g', kind: 'opfs', recovered: null, suspect: null }

function createDisk() {
  const stored = new Map<string, LedgerRecord>()
  return {
    stored,
    records: [],
    read: async () => [...stored],
    write: async (store: string, record: LedgerRecord) => void stored.set(store, record),
  }
}

test('what was noted and is not there any more is missed, until it is restored', async () => {
  const disk = createDisk()
  const ledger = createLedger(disk)
  await Promise.all([ledger.set('a/b', record), ledger.set('c/d', record)])
  expect(await ledger.intact()).toBe(true)
  disk.stored.clear()
  expect(await ledger.intact()).toBe(false)
  await ledger.restore()
  expect(await ledger.intact()).toBe(true)
  expect(disk.stored.size).toBe(2)
})

test('a disk that fails is no failure: the ledger is in memory', async () => {
  const ledger = createLedger({
    records: [],
    read: () => Promise.reject(new Error('gone')),
    write: () => Promise.reject(new Error('gone')),
  })
  await ledger.set('a/b', record)
  await ledger.restore()
  expect(ledger.get('a/b')).toEqual(record)
  expect(await ledger.intact()).toBe(true)
})

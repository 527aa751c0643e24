import { expect, test } from 'vitest'
import type { StoreReport } from '../tab/status-report.js'
import { createReportMemory } from './report-memory.js'

const REPORT: StoreReport = {
  store: 'acme/app',
  connection: 'offline',
  since: 100,
  lastStoreSeq: 7,
  pending: { count: 0, oldestAt: null, heldBy: null, limit: 10 },
  rejected: 0,
  rejectedMark: '0 ',
  lastResync: { at: 40, reason: 'another history' },
  permissions: { read: true, write: true },
  scopes: [],
  caughtUpAt: 50,
  storage: { kind: 'opfs', persisted: true },
  error: null,
}

/** What a leader says that has just begun. */
const begun = (connection: StoreReport['connection'], since: number): StoreReport => ({
  ...REPORT,
  connection,
  since,
  caughtUpAt: null,
  lastResync: null,
})

test('an outage goes on when another tab takes the lead', () => {
  const memory = createReportMemory()
  memory.note(REPORT, true)
  expect(memory.note(begun('connecting', 200), true)).toMatchObject({ connection: 'connecting', since: 200 })
  expect(memory.note(begun('offline', 210), true)).toMatchObject({
    connection: 'offline',
    since: 100,
    caughtUpAt: 50,
    lastResync: REPORT.lastResync,
  })
})

test('an outage ends with a connection, also with one that was not seen', () => {
  const memory = createReportMemory()
  memory.note(REPORT, true)
  memory.note(begun('live', 200), true)
  expect(memory.note(begun('offline', 300), true).since).toBe(300)
  expect(memory.note({ ...begun('offline', 400), caughtUpAt: 350 }, true).since).toBe(400)
})

test('a refusal is another thing than an outage', () => {
  const memory = createReportMemory()
  memory.note(REPORT, true)
  expect(memory.note(begun('refused', 200), true).since).toBe(200)
  expect(memory.note(begun('offline', 300), true).since).toBe(300)
})

test('who is not told everything does not know whether an outage has gone on', () => {
  const memory = createReportMemory()
  memory.note(REPORT, true)
  memory.note(REPORT, false)
  expect(memory.note(begun('offline', 300), true).since).toBe(300)
})

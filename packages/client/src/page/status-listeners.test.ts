import { ClosedError, DustError, StorageError, UnavailableError } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import type { StoreReport } from '../tab/status-report.js'
import type { SendCall } from './call-batch.js'
import type { StoreStatus } from './status.js'
import { createStatusListeners } from './status-listeners.js'

const REPORT: StoreReport = {
  store: 'acme/app',
  connection: 'live',
  since: 1,
  lastStoreSeq: 7,
  pending: { count: 0, oldestAt: null, heldBy: null, limit: 10 },
  rejected: 0,
  rejectedMark: '0 ',
  lastResync: null,
  permissions: { read: true, write: true },
  scopes: [],
  caughtUpAt: 1,
  storage: { kind: 'opfs', persisted: true },
  error: null,
}

// Answers both kinds of status call alike.
const answers = (async () => REPORT) as unknown as SendCall
const fails = (() => Promise.reject(new UnavailableError('gone'))) as SendCall

test('a problem of this tab shows until a report proves that a leader works', async () => {
  const seen: StoreStatus[] = []
  const listeners = createStatusListeners({
    call: answers,
    report: () => undefined,
    now: () => 5,
    setTimer: () => () => undefined,
  })
  listeners.on('acme/app', (status) => seen.push(status))
  await listeners.get('acme/app')
  const problem = new StorageError('storage_failed', 'no')
  listeners.setProblem(problem)
  expect(seen.map(({ error }) => error)).toEqual([null, problem])
  expect(await listeners.get('acme/app')).toMatchObject({ error: null, leader: false })
  listeners.setLeading(true)
  expect(seen.at(-1)).toMatchObject({ error: null, leader: true })
})

test('a dead worker is told to listeners, also to later ones, and to who asks', async () => {
  const seen: StoreStatus[] = []
  const listeners = createStatusListeners({
    call: fails,
    report: () => undefined,
    now: () => 5,
    setTimer: () => () => undefined,
  })
  expect(await listeners.get('acme/app')).toMatchObject({
    error: { message: 'gone' },
    pending: { count: null },
    rejected: null,
    storage: { kind: 'unavailable' },
  })
  listeners.on('acme/app', (status) => seen.push(status))
  const error = new UnavailableError('did not start')
  listeners.setBroken(error)
  const broken = {
    connection: 'offline',
    since: 5,
    error,
    storage: { kind: 'unavailable', reason: error.message },
  }
  expect(seen).toMatchObject([broken])
  listeners.on('acme/app', (status) => seen.push(status))
  await new Promise(setImmediate)
  expect(seen).toHaveLength(2)
  expect(await listeners.get('acme/app')).toMatchObject(broken)
})

test('a store that cannot be opened is told to its own listeners only', async () => {
  const error = new DustError('newer_database', 'of a newer version')
  const call = (({ store }) =>
    store === 'acme/new' ? Promise.reject(error) : Promise.resolve(REPORT)) as SendCall
  const seen: StoreStatus[] = []
  const listeners = createStatusListeners({
    call,
    report: () => undefined,
    now: () => 5,
    setTimer: () => () => undefined,
  })
  listeners.on('acme/app', (status) => seen.push(status))
  listeners.on('acme/new', (status) => seen.push(status))
  await new Promise(setImmediate)
  expect(seen).toMatchObject([
    { store: 'acme/app', error: null },
    { store: 'acme/new', error, connection: 'offline', storage: { kind: 'unavailable' } },
  ])
})

test('a listener that throws is reported, and the others are told; none is after its end', async () => {
  const reported: unknown[] = []
  const seen: StoreStatus[] = []
  const failure = new Error('of the app')
  const listeners = createStatusListeners({
    call: answers,
    report: (error) => reported.push(error),
    now: () => 5,
    setTimer: () => () => undefined,
  })
  listeners.on('acme/app', () => {
    throw failure
  })
  const off = listeners.on('acme/app', (status) => seen.push(status))
  await new Promise(setImmediate)
  expect([reported, seen.length]).toEqual([[failure], 1])
  off()
  listeners.setLeading(true)
  expect(seen).toHaveLength(1)
})

test('what is pending is what was told last, and unknown before that, never none', async () => {
  const seen: StoreStatus[] = []
  const listeners = createStatusListeners({
    call: (({ store }) =>
      store === 'acme/app'
        ? Promise.resolve({ ...REPORT, pending: { ...REPORT.pending, count: 5 } })
        : new Promise(() => undefined)) as SendCall,
    report: () => undefined,
    now: () => 5,
    setTimer: () => () => undefined,
  })
  listeners.on('acme/app', (status) => seen.push(status))
  await new Promise(setImmediate)
  listeners.setBroken(new UnavailableError('a newer build'))
  expect(seen.at(-1)).toMatchObject({ pending: { count: 5 }, lastStoreSeq: 7, connection: 'offline' })
  expect(await listeners.get('acme/other')).toMatchObject({ pending: { count: null, limit: null } })
})

test('while no tab serves, nothing is live; the last that was known stays', async () => {
  const seen: StoreStatus[] = []
  const listeners = createStatusListeners({
    call: answers,
    report: () => undefined,
    now: () => 5,
    setTimer: () => () => undefined,
  })
  listeners.on('acme/app', (status) => seen.push(status))
  await new Promise(setImmediate)
  listeners.setServed(false)
  expect(seen.at(-1)).toMatchObject({
    connection: 'connecting',
    since: 5,
    lastStoreSeq: 7,
    caughtUpAt: 1,
    storage: { kind: 'opfs' },
    error: { code: 'unavailable' },
  })
  listeners.setServed(true)
  expect(seen.at(-1)).toMatchObject({ connection: 'live', since: 1, error: null })
})

test('once this Dust is closed, there is no status', async () => {
  const listeners = createStatusListeners({
    call: (() => Promise.reject(new ClosedError('closed'))) as SendCall,
    report: () => undefined,
    now: () => 5,
    setTimer: () => () => undefined,
  })
  await expect(listeners.get('acme/app')).rejects.toBeInstanceOf(ClosedError)
})

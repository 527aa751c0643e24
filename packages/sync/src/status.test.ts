import { expect, test } from 'vitest'
import { createStatusHolder, type SyncStatus } from './status.js'
import { createFakeTime } from './testing/fake-time.js'

function holder() {
  const time = createFakeTime()
  const failures: unknown[] = []
  const status = createStatusHolder({
    clock: time.clock(),
    lastStoreSeq: 3,
    incarnation: null,
    listenerFailed: (error) => failures.push(error),
  })
  return { time, status, failures }
}

test('listeners hear of changes, and of nothing else', () => {
  const { status } = holder()
  const heard: SyncStatus[] = []
  const off = status.subscribe((next) => heard.push(next))
  status.update({ lastStoreSeq: 3 })
  status.update({ error: null, scopes: [] })
  expect(heard).toEqual([])
  status.update({ lastStoreSeq: 4 })
  expect(heard).toEqual([status.get()])
  off()
  status.update({ lastStoreSeq: 5 })
  expect(heard).toHaveLength(1)
})

test('since is when the state began', () => {
  const { time, status } = holder()
  const { since } = status.get()
  time.advance(10)
  status.update({ state: 'connecting', lastStoreSeq: 4 })
  expect(status.get().since).toBe(since)
  status.update({ state: 'live' })
  expect(status.get().since).toBe(since + 10)
})

test('a listener that throws is reported and keeps nothing from the others', () => {
  const { status, failures } = holder()
  const heard: string[] = []
  status.subscribe(() => {
    throw new Error('mine')
  })
  status.subscribe(({ state }) => heard.push(state))
  status.update({ state: 'live' })
  expect(heard).toEqual(['live'])
  expect(failures).toMatchObject([{ message: 'mine' }])
})

test('an error with large integers is compared like any other', () => {
  const { status } = holder()
  const error = { name: 'RejectedError', code: 'odd', message: 'odd', fields: { at: 2n ** 60n } }
  status.update({ error })
  expect(status.get().error).toBe(error)
})

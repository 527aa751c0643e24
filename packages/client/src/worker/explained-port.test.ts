import { StorageError } from '@dustlayer/protocol'
import { openReplica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { expect, test } from 'vitest'
import { explainedPort } from './explained-port.js'

const full = new Error('disk I/O error')
const shortage = new StorageError('quota_exceeded', 'There is no room.', { cause: full })

/** A port on a disk that takes no more writes, and has so many bytes kept back. */
function setUp(reserves: number) {
  const driver = openBetterSqlite()
  let broken: Error | undefined
  let refused = 0
  const replica = openReplica({
    driver: {
      ...driver,
      transaction(body) {
        if (!broken) return driver.transaction(body)
        refused += 1
        throw broken
      },
    },
    store: 'a/b',
    deviceId: 'd',
    now: () => 1,
  })
  replica.write({ op: 'set', path: 'a', value: 1, opId: 'op1' })
  const port = explainedPort(replica.sync, {
    noRoom: (error) => (error === full ? shortage : undefined),
    makeRoom() {
      if (reserves === 0) return false
      reserves -= 1
      broken = undefined
      return true
    },
  })
  return {
    port,
    refused: () => refused,
    fail(error: Error) {
      broken = error
    },
  }
}

const events = [
  {
    store_seq: 1,
    op: 'set' as const,
    path: 'x',
    path_segments: ['x'],
    value: 1,
    device_id: 'other',
    client_op_id: 'o1',
  },
]

test('what the server sends is refused with the reason, and does not use up the reserve', () => {
  const { port, refused, fail } = setUp(1)
  fail(full)
  expect(() => port.applyEvents(events, { catchUp: false })).toThrow(shortage)
  expect(refused()).toBe(1)
})

test('the answer to an own write may use the reserve', () => {
  const { port, fail } = setUp(1)
  fail(full)
  port.ack('op1', 1)
  expect(port.outbox(0, 10)).toMatchObject([{ opId: 'op1', acked: true }])
  fail(full)
  expect(() => port.reject('op1', new StorageError('storage_failed', 'no'))).toThrow(shortage)
})

test('other failures pass as they are', () => {
  const { port, fail } = setUp(0)
  const other = new Error('something else')
  fail(other)
  expect(() => port.applyEvents(events, { catchUp: false })).toThrow(other)
})

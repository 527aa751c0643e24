import type { SyncPort } from '@dustlayer/replica'
import { openReplica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import type { StoreSync, SyncClient } from '@dustlayer/sync'
import { expect, test } from 'vitest'
import { attachDurably } from './attach-durably.js'

test('no op is handed out before it is durable, and then the sender is told', async () => {
  const replica = openReplica({ driver: openBetterSqlite(), store: 'a/b', deviceId: 'd', now: () => 1 })
  replica.write({ op: 'set', path: 'a', value: 1, opId: 'op1' })
  let stored = (): void => undefined
  let storing: Promise<void> | null = new Promise((resolve) => {
    stored = resolve
  })
  let port!: SyncPort
  let changes = 0
  // Of the client, only this is used.
  const client = {
    attach(_store: string, given: SyncPort) {
      port = given
      return { outboxChanged: () => void changes++ } as unknown as StoreSync
    },
  } as unknown as SyncClient
  attachDurably(client, 'a/b', replica.sync, () => storing)
  expect(port.outbox(0, 10)).toEqual([])
  expect(port.outbox(0, 10)).toEqual([])
  expect(changes).toBe(0)
  storing = null
  stored()
  await new Promise(setImmediate)
  expect(changes).toBe(1)
  expect(port.outbox(0, 10).map(({ opId }) => opId)).toEqual(['op1'])
})

import { ResyncRequiredError } from '@dustlayer/protocol'
import { openReplica, type SnapshotEntry } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { expect, test } from 'vitest'
import type { WatchEvent } from '../page/events.js'
import type { LiveResult } from '../page/live.js'
import { createChangeWorld } from '../test-support/change-world.js'

const STORE = 'o/s'
const ALL = { store: STORE, pattern: '**', mode: 'all', signal: undefined } as const

const entries = (count: number): SnapshotEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    path: `k/${100_000 + i}`,
    value: i,
    type: 'integer',
    seq: i + 1,
  }))

test('J10 a snapshot with more changes than can be told one by one: who can read anew does, the others are told', () => {
  const world = createChangeWorld()
  const replica = openReplica({ driver: openBetterSqlite(), store: STORE, deviceId: 'dev', now: () => 1 })
  replica.sync.applySnapshot(2, entries(2))
  world.lead(replica)
  const watched: WatchEvent[] = []
  const heard: unknown[] = []
  const ended: unknown[] = []
  let result: LiveResult<unknown> | undefined
  const onChange = (event: unknown) => heard.push(event)
  const watch = (event: WatchEvent) => watched.push(event)
  world.subscribers.subscribe({ ...ALL, onChange: watch, onPresent: watch })
  world.subscribers.subscribe({ ...ALL, onChange })
  world.subscribers.subscribe({ ...ALL, onChange, onResync: (error) => ended.push(error) })
  world.live.live({
    ...ALL,
    order: 'asc',
    stale: false,
    callback: (told) => {
      result = told
    },
  })
  world.flush()
  replica.sync.applySnapshot(60_000, entries(60_000).slice(1))
  world.flush()
  expect(ended).toEqual([expect.any(ResyncRequiredError)])
  expect(watched).toHaveLength(2 + 1 + 59_998)
  expect(watched[2]).toMatchObject({ op: 'delete', path: 'k/100000' })
  expect(result?.nodes).toHaveLength(59_999)
  expect(result?.changed).toHaveLength(59_998)
  expect(result?.removed).toEqual(['k/100000'])
  expect(heard).toEqual([])
  expect(world.reported).toEqual([])
})

test('J05 what a leader foretold and rolled back is never told', () => {
  const world = createChangeWorld()
  const disk = openBetterSqlite()
  let full = false
  const driver: typeof disk = {
    ...disk,
    transaction: (body) =>
      disk.transaction(() => {
        const result = body()
        if (full) throw new Error('the disk is full')
        return result
      }),
  }
  const open = () => openReplica({ driver, store: STORE, deviceId: 'dev', now: () => 1 })
  const replica = open()
  const put = (path: string): void => replica.write({ opId: `op_${path}`, op: 'set', path, value: 1 })
  const fail = (path: string): void => {
    full = true
    expect(() => put(path)).toThrow('the disk is full')
    full = false
  }
  world.lead(replica)
  const heard: string[] = []
  const onChange = ({ path }: { path: string }) => heard.push(path)
  world.subscribers.subscribe({ ...ALL, onChange, onResync: ({ message }) => heard.push(message) })
  world.flush()
  world.delivery = 'foretold'
  fail('a')
  put('b')
  fail('a')
  put('c')
  fail('d')
  world.lead(open())
  world.flush()
  expect(heard).toEqual(['b', 'c'])
})

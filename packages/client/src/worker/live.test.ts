import { openReplica, type Replica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { beforeEach, expect, test } from 'vitest'
import type { LiveUpdate } from '../tab/news.js'
import { createLiveQueries, type LiveQueries } from './live.js'

const STORE = 'o/s'

let replica: Replica
let live: LiveQueries
let sent: LiveUpdate[]
let unconfirmed: number
let reads: number
let ids: number

beforeEach(() => {
  replica = openReplica({ driver: openBetterSqlite(), store: STORE, deviceId: 'dev', now: () => 1 })
  sent = []
  unconfirmed = 0
  reads = 0
  ids = 0
  live = createLiveQueries({
    replica: {
      ...replica,
      entry(path) {
        reads += 1
        return replica.entry(path)
      },
    },
    postbox: { live: (_tab, update) => sent.push(update), unconfirmed: () => unconfirmed },
  })
  replica.onTouched(live.touched)
})

const put = (path: string, value: unknown): void =>
  // Values of these tests are JSON.
  replica.write({ op: 'set', path, value: value as never, opId: `op-${++ids}` })

const summary = ({ put: nodes, removed }: LiveUpdate) => [nodes.map(({ path }) => path), removed]

test('only what has changed is read and sent, once for all who ask', () => {
  for (let i = 0; i < 100; i++) put(`todos/${i}/title`, i)
  for (let tab = 0; tab < 5; tab++) live.add(`tab${tab}`, { id: 1, store: STORE, pattern: 'todos/*' })
  sent.length = 0
  reads = 0
  put('todos/7/done', true)
  put('elsewhere', 1)
  expect(reads).toBe(1)
  expect(sent.map(summary)).toEqual(Array(5).fill([['todos/7'], []]))
})

test('a write that changes nothing there is not sent', () => {
  put('a', { b: 1 })
  live.add('tab', { id: 1, store: STORE, pattern: 'a/*' })
  put('a', { b: 1, c: 2 })
  expect(sent.slice(1).map(summary)).toEqual([[['a/c'], []]])
})

test('J08 a tab that does not keep up is sent the sum of the changes when it does', () => {
  live.add('tab', { id: 1, store: STORE, pattern: '*' })
  unconfirmed = 1_000
  put('a', 1)
  put('b', 1)
  put('a', 2)
  replica.write({ op: 'delete', path: 'b', value: null, opId: 'gone' })
  expect(live.keepsBack('tab')).toBe(true)
  expect(sent).toHaveLength(1)
  unconfirmed = 0
  live.goOn('tab')
  expect(sent.slice(1).map(summary)).toEqual([[['a'], []]])
  expect(live.keepsBack('tab')).toBe(false)
})

test('J08 more changed nodes than it remembers are found again when the tab keeps up', () => {
  live.add('tab', { id: 1, store: STORE, pattern: '**' })
  put('kept', 1)
  unconfirmed = 1_000
  for (let i = 0; i < 1_500; i++) put(`k/${i}`, i)
  unconfirmed = 0
  live.goOn('tab')
  expect(sent.at(-1)?.put).toHaveLength(1_500)
  expect(sent.at(-1)?.put.map(({ path }) => path)).not.toContain('kept')
})

test('what ended is not looked at any more', () => {
  live.add('tab', { id: 1, store: STORE, pattern: '*' })
  live.add('tab', { id: 2, store: STORE, pattern: '*' })
  live.remove('tab', 1)
  live.dropTab('tab')
  live.dropTab('tab')
  sent.length = 0
  put('a', 1)
  expect(sent).toEqual([])
  expect([...live.tabs()]).toEqual([])
})

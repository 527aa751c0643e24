import { StorageError } from '@dustlayer/protocol'
import { openReplica } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import { expect, test } from 'vitest'
import type { StoreDatabase } from '../storage/storage.js'
import type { CallResult } from '../tab/calls.js'
import { createJobQueue, type JobQueue } from './job-queue.js'
import { createCallRunner, type Job } from './run-calls.js'

const soon = () => new Promise(setImmediate)

function createWorld(database: Partial<Pick<StoreDatabase, 'durable' | 'makeRoom' | 'explain'>>) {
  const answers: { name: string; result: CallResult }[] = []
  const replica = openReplica({ driver: openBetterSqlite(), store: 'a/b', deviceId: 'd', now: () => 1 })
  let written = 0
  let failure: unknown
  const run = createCallRunner({
    store: 'a/b',
    replica,
    database: {
      durable: () => null,
      makeRoom: () => false,
      explain: async (error) => new StorageError('quota_exceeded', String(error)),
      ...database,
    },
    write(_tab, call) {
      if (failure !== undefined) throw failure
      if (call.kind === 'write') replica.write(call.op)
    },
    desk: () => null,
    long: () => undefined,
    atLength: (work) => work(),
    onWritten() {
      written += 1
    },
  })
  const job = (name: string, call: Job['call']): Job => ({
    tab: 't',
    call,
    again: false,
    settle: (result) => answers.push({ name, result }),
  })
  return {
    replica,
    answers,
    written: () => written,
    fail(error: unknown) {
      failure = error
    },
    run(jobs: readonly Job[], isOver = () => false) {
      const queue = createJobQueue()
      for (const job of jobs) queue.push(job)
      run(queue, isOver)
      return queue
    },
    runOn: (queue: JobQueue, isOver = () => false) => run(queue, isOver),
    put: (path: string) =>
      job(path, { kind: 'write', store: 'a/b', op: { op: 'set', path, value: 1, opId: `op-${path}` } }),
    get: (path: string) => job(`get ${path}`, { kind: 'get', store: 'a/b', path }),
  }
}

const names = (answers: readonly { name: string }[]) => answers.map(({ name }) => name)

test('a write is answered, and goes to the server, only when it is durable; reads alone wait for nothing', async () => {
  let stored = (): void => undefined
  const world = createWorld({
    durable: () =>
      new Promise((resolve) => {
        stored = resolve
      }),
  })
  world.run([world.put('a'), world.get('a')])
  world.run([world.get('a')])
  await soon()
  expect(names(world.answers)).toEqual(['get a'])
  expect(world.written()).toBe(0)
  stored()
  await soon()
  expect(names(world.answers)).toEqual(['get a', 'a', 'get a'])
  expect(world.written()).toBe(1)
})

test('a write that could not be made durable is refused, and is not sent', async () => {
  const full = new StorageError('quota_exceeded', 'full', { fields: { usage: 1, quota: 2 } })
  const world = createWorld({ durable: () => Promise.reject(full) })
  world.run([world.put('a')])
  await soon()
  expect(world.answers).toMatchObject([
    {
      result: {
        ok: false,
        error: { name: 'StorageError', code: 'quota_exceeded', fields: { usage: 1, quota: 2 } },
      },
    },
  ])
  expect(world.written()).toBe(0)
})

test('a write for which room could be made runs again, once for each time that room is made', async () => {
  const world = createWorld({
    makeRoom() {
      world.fail(undefined)
      return true
    },
  })
  world.fail(new Error('disk I/O error'))
  world.run([world.put('a'), world.put('b')])
  expect(world.answers.map(({ result }) => result.ok)).toEqual([true, true])
  expect(world.replica.pending().count).toBe(2)
})

test('a write for which there is no room is refused with what is known of the room', async () => {
  const world = createWorld({})
  world.fail(new Error('disk I/O error'))
  world.run([world.put('a')])
  await soon()
  expect(world.answers).toMatchObject([{ result: { ok: false, error: { code: 'quota_exceeded' } } }])
  expect(world.replica.pending().count).toBe(0)
})

test('a transaction ends when its time is up; what is left runs in the next', () => {
  const world = createWorld({})
  let steps = 0
  const isOver = () => ++steps >= 3
  const queue = world.run(
    [world.put('a'), world.put('b'), world.put('c'), world.put('d'), world.get('d')],
    isOver,
  )
  expect(names(world.answers)).toEqual(['a', 'b', 'c'])
  expect(world.written()).toBe(1)
  world.runOn(queue)
  expect(names(world.answers)).toEqual(['a', 'b', 'c', 'd', 'get d'])
  expect(world.answers.at(-1)?.result).toMatchObject({ ok: true, value: { value: 1 } })
})

test('when there is no time at all, one call runs all the same', () => {
  const world = createWorld({})
  const queue = world.run([world.put('a'), world.put('b')], () => true)
  expect(names(world.answers)).toEqual(['a'])
  world.runOn(queue, () => true)
  expect(queue.empty).toBe(true)
})

test('a disk that fails is asked once for all writes that are waiting', async () => {
  const world = createWorld({})
  world.fail(new Error('disk I/O error'))
  let asked = 0
  const queue = world.run([world.put('a'), world.put('b'), world.put('c')], () => ++asked > 0)
  await soon()
  expect(names(world.answers)).toEqual(['a', 'b', 'c'])
  expect(world.answers.every(({ result }) => !result.ok)).toBe(true)
  expect(queue.empty).toBe(true)
})

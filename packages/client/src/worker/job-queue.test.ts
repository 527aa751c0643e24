import { expect, test } from 'vitest'
import { createJobQueue, type JobQueue } from './job-queue.js'
import type { Job } from './run-calls.js'

const settle = (): void => undefined

const write = (tab: string, n: number): Job => ({
  tab,
  again: false,
  settle,
  call: { kind: 'write', store: 'a/b', op: { op: 'set', path: 'p', value: n, opId: `op_${n}` } },
})
const get = (tab: string): Job => ({
  tab,
  again: false,
  settle,
  call: { kind: 'get', store: 'a/b', path: 'p' },
})

function numbers(queue: JobQueue): [tab: string, n: unknown][] {
  const taken: [string, unknown][] = []
  for (let job = queue.take(); job; job = queue.take())
    taken.push([job.tab, job.call.kind === 'write' ? job.call.op.value : 'get'])
  return taken
}

test('each tab keeps its order, and a tab with much to do lets the others in between', () => {
  const queue = createJobQueue()
  for (let n = 0; n < 1_000; n++) queue.push(write('busy', n))
  queue.push(write('other', 0))
  queue.push(get('other'))
  const taken = numbers(queue)
  expect(taken.filter(([tab]) => tab === 'busy').map(([, n]) => n)).toEqual(
    Array.from({ length: 1_000 }, (_, n) => n),
  )
  expect(taken.filter(([tab]) => tab === 'other').map(([, n]) => n)).toEqual([0, 'get'])
  expect(taken.findIndex(([tab]) => tab === 'other')).toBeLessThan(100)
  expect(queue.empty).toBe(true)
})

test('a tab that comes back into the queue waits for the others', () => {
  const queue = createJobQueue()
  queue.push(write('a', 1))
  queue.push(write('b', 1))
  expect(queue.peek()?.tab).toBe('a')
  expect(queue.take()?.tab).toBe('a')
  queue.push(write('a', 2))
  expect(numbers(queue)).toEqual([
    ['b', 1],
    ['a', 2],
  ])
})

test('of a tab that is gone only the writes stay', () => {
  const queue = createJobQueue()
  for (const job of [write('gone', 1), get('gone'), write('gone', 2), get('here')]) queue.push(job)
  queue.take()
  queue.dropTab('gone')
  expect(numbers(queue)).toEqual([
    ['gone', 2],
    ['here', 'get'],
  ])
})

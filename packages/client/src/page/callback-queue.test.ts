import { expect, test } from 'vitest'
import { createCallbackQueue } from './callback-queue.js'

interface Numbered {
  readonly n: number
}

function setUp({ limit, slow = false }: { limit: number; slow?: boolean }) {
  const called: number[] = []
  const reported: unknown[] = []
  const open: { resolve: () => void; reject: (error: unknown) => void }[] = []
  let overflows = 0
  const queue = createCallbackQueue<Numbered>({
    callback({ n }) {
      called.push(n)
      return slow ? new Promise<void>((resolve, reject) => open.push({ resolve, reject })) : undefined
    },
    limit,
    report: (error) => reported.push(error),
    onOverflow: () => {
      overflows += 1
    },
  })
  const events = (from: number, to: number): Numbered[] =>
    Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i }))
  return { queue, called, reported, open, events, overflows: () => overflows }
}

const microtasks = () => new Promise((resolve) => setImmediate(resolve))

test('a callback that returns nothing is called at once, however many come', () => {
  const { queue, called, events, overflows } = setUp({ limit: 1 })
  for (const event of events(1, 5)) queue.push(event)
  expect(called).toEqual([1, 2, 3, 4, 5])
  expect(overflows()).toBe(0)
})

test('what waits for a promise is told in order, also after a rejection', async () => {
  const { queue, called, open, reported, events } = setUp({ limit: 10, slow: true })
  for (const event of events(1, 3)) queue.push(event)
  expect(called).toEqual([1])
  open[0]?.reject('failure')
  await microtasks()
  expect([called, reported]).toEqual([[1, 2], ['failure']])
  open[1]?.resolve()
  await microtasks()
  expect(called).toEqual([1, 2, 3])
})

test('J08 it holds as many as the limit says, and none after that', async () => {
  const { queue, called, open, events, overflows } = setUp({ limit: 2, slow: true })
  for (const event of events(1, 3)) queue.push(event)
  expect(overflows()).toBe(0)
  for (const event of events(4, 5)) queue.push(event)
  expect(overflows()).toBe(1)
  open[0]?.resolve()
  await microtasks()
  expect(called).toEqual([1])
})

test('J04 what is there to begin with takes no room', async () => {
  const { queue, called, open, events, overflows } = setUp({ limit: 1, slow: true })
  queue.pushAll(events(1, 3_000))
  queue.push({ n: 3_001 })
  for (let i = 0; i < 3_001; i++) {
    await Promise.resolve()
    open[i]?.resolve()
    await microtasks()
  }
  expect(called).toEqual(events(1, 3_001).map(({ n }) => n))
  expect(overflows()).toBe(0)
})

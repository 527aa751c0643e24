import { createFakeTime } from '@dustlayer/sync/testing'
import { expect, test } from 'vitest'
import { createWorkerWatch } from './worker-watch.js'

function setUp() {
  const time = createFakeTime()
  let hung = 0
  /** Those that the worker has not answered. */
  let pings: (() => void)[] = []
  const link = { ping: () => new Promise<void>((resolve) => pings.push(resolve)) }
  const watch = createWorkerWatch({
    worker: () => ({ link, started: true }),
    onHung: () => {
      hung += 1
    },
    onSteady: () => undefined,
    setTimer: time.clock().setTimer,
  })
  return {
    time,
    watch,
    hung: () => hung,
    async answer() {
      for (const resolve of pings) resolve()
      pings = []
      await Promise.resolve()
    },
  }
}

test('a worker that answers nothing for eight seconds is taken for hung', () => {
  const { time, hung } = setUp()
  time.advance(9_000)
  expect(hung()).toBe(0)
  time.advance(2_000)
  expect(hung()).toBe(1)
})

test('one that has said that it is busy is given as much longer, and no more than that', async () => {
  const { time, watch, hung, answer } = setUp()
  watch.expectBusy(15_000)
  time.advance(24_000)
  expect(hung()).toBe(0)
  await answer()
  watch.expectBusy(0)
  time.advance(11_000)
  expect(hung()).toBe(1)
})

import { expect, test } from 'vitest'
import { createProgressReport } from './progress-report.js'
import { createFakeTime } from './testing/fake-time.js'

test('the server is told at once, then at most every half minute, and only of progress', () => {
  const time = createFakeTime()
  const pushed: unknown[] = []
  let cursor = 7
  const report = createProgressReport({
    clock: time.clock(),
    cursor: () => cursor,
    push: (event, { seq }) => pushed.push([event, seq]),
  })
  report.live()
  cursor = 8
  report.live()
  cursor = 9
  report.live()
  expect(pushed).toEqual([['ack_seq', 7]])
  time.advance(30_000)
  expect(pushed.at(-1)).toEqual(['ack_seq', 9])
  time.advance(300_000)
  expect(pushed).toHaveLength(2)
  report.lost()
  cursor = 10
  time.advance(300_000)
  expect(pushed).toHaveLength(2)
  report.live()
  expect(pushed.at(-1)).toEqual(['ack_seq', 10])
})

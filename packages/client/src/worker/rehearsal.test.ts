import { openBetterSqlite } from '@dustlayer/replica/testing'
import { createFakeTime } from '@dustlayer/sync/testing'
import { expect, test } from 'vitest'
import { createRehearsal } from './rehearsal.js'

test('does its work once, in several turns, and leaves nothing open', async () => {
  const time = createFakeTime()
  const clock = time.clock()
  let turns = 0
  let commits = 0
  let opened = 0
  let closed = 0
  const rehearse = createRehearsal({
    clock: {
      ...clock,
      setTimer(ms, run) {
        turns += 1
        return clock.setTimer(ms, run)
      },
    },
    async openDriver() {
      opened += 1
      const driver = openBetterSqlite()
      return {
        ...driver,
        transaction(body) {
          const result = driver.transaction(body)
          commits += 1
          return result
        },
        close() {
          closed += 1
          driver.close()
        },
      }
    },
  })
  let done = false
  void Promise.all([rehearse(), rehearse()]).then(() => {
    done = true
  })
  while (!done) await time.advanceAsync(1)
  expect(turns).toBe(5)
  expect([opened, closed]).toEqual([1, 1])
  // The writes, the events, the reads, and a write on its own.
  expect(commits).toBeGreaterThanOrEqual(4)
  expect(clock.pending).toBe(0)
})

test('that fails keeps nobody from leading', async () => {
  const rehearse = createRehearsal({
    clock: createFakeTime().clock(),
    openDriver: () => Promise.reject(new Error('There is no memory.')),
  })
  await rehearse()
})

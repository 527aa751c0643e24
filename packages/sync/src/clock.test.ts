import { expect, test } from 'vitest'
import { createAlarm, createClock, steadyNow } from './clock.js'
import { createFakeTime } from './testing/fake-time.js'

test('the clock of the environment runs timers, and cancels them', async () => {
  const clock = createClock({ setTimeout, clearTimeout, now: Date.now })
  let cancelled = false
  const cancel = clock.setTimer(1, () => {
    cancelled = true
  })
  cancel()
  await new Promise<void>((resolve) => clock.setTimer(5, resolve))
  expect(cancelled).toBe(false)
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000)
})

test('a time that timers cannot hold is not over at once', async () => {
  const clock = createClock({ setTimeout, clearTimeout, now: Date.now })
  let over = false
  const cancel = clock.setTimer(2 ** 40, () => {
    over = true
  })
  await new Promise<void>((resolve) => clock.setTimer(20, resolve))
  cancel()
  expect(over).toBe(false)
})

test('an alarm that is set again runs once, for the last setting', () => {
  const time = createFakeTime()
  const clock = time.clock()
  const alarm = createAlarm(clock)
  const runs: string[] = []
  alarm.set(10, () => runs.push('first'))
  alarm.set(20, () => runs.push('second'))
  expect([alarm.active, clock.pending]).toEqual([true, 1])
  time.advance(30)
  expect([runs, alarm.active]).toEqual([['second'], false])
  alarm.set(10, () => runs.push('third'))
  alarm.clear()
  time.advance(30)
  expect(runs).toEqual(['second'])
})

test('durations are measured by a clock that nobody sets, where there is one', () => {
  const environment = { setTimeout, clearTimeout, now: () => 7 }
  expect(steadyNow(createClock({ ...environment, monotonic: () => 42 }))).toBe(42)
  expect(steadyNow(createClock(environment))).toBe(7)
})

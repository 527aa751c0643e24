import { createFakeTime } from '@dustlayer/sync/testing'
import { expect, test } from 'vitest'
import { createPulse } from './pulse.js'

/** A leader whose wall clock somebody sets. */
function setUp() {
  const time = createFakeTime()
  const fake = time.clock()
  let set = 0
  let asked = 0
  const pulse = createPulse({
    clock: { ...fake, now: () => time.now + set, monotonic: () => time.now },
    beat: () => undefined,
    async ask() {
      asked += 1
    },
  })
  return {
    time,
    pulse,
    asked: () => asked,
    setClock(ms: number) {
      set += ms
    },
  }
}

test('a leader that was frozen doubts, also when the clock was set back meanwhile', () => {
  const { time, pulse, asked, setClock } = setUp()
  time.advance(10_000)
  expect(pulse.doubt()).toBe(undefined)
  time.sleep(60_000)
  setClock(-3_600_000)
  expect(pulse.doubt()).toBeInstanceOf(Promise)
  expect(asked()).toBe(1)
  pulse.stop()
})

test('a clock that is set forward is no reason to doubt', () => {
  const { time, pulse, setClock } = setUp()
  time.advance(10_000)
  setClock(3_600_000)
  expect(pulse.doubt()).toBe(undefined)
  pulse.stop()
})

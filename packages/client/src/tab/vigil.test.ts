import { createFakeTime } from '@dustlayer/sync/testing'
import { expect, test } from 'vitest'
import { BUSY_MS, createVigil } from './vigil.js'

function setUp() {
  const time = createFakeTime()
  let silences = 0
  const vigil = createVigil({
    clock: time.clock(),
    onQuiet: () => undefined,
    onSilent: () => {
      silences += 1
    },
    onLook: () => undefined,
  })
  return { time, vigil, silences: () => silences }
}

test('a leader that says nothing is silent after three seconds', () => {
  const { time, vigil, silences } = setUp()
  time.advance(2_900)
  expect([vigil.silent, silences()]).toEqual([false, 0])
  time.advance(100)
  expect([vigil.silent, silences()]).toEqual([true, 1])
})

test('one that has said that it is busy is given longer, and no longer when it has said that it is not', () => {
  const { time, vigil, silences } = setUp()
  vigil.heard()
  vigil.expect(true)
  time.advance(BUSY_MS - 1_000)
  expect(silences()).toBe(0)
  time.advance(1_000)
  expect(silences()).toBe(1)
  vigil.heard()
  vigil.expect(false)
  time.advance(3_000)
  expect(silences()).toBe(2)
})

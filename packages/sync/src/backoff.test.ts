import { expect, test } from 'vitest'
import { createBackoff } from './backoff.js'

test('full jitter spreads the waits below a ceiling that doubles up to the cap', () => {
  const backoff = createBackoff({ baseMs: 500, capMs: 4_000, jitter: 'full', random: () => 0.5 })
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000])
})

test.each([0, 0.999])(
  'A15 half jitter makes every wait at least 1 s and longer than the one before (random %d)',
  (random) => {
    const backoff = createBackoff({ baseMs: 2_000, capMs: 60_000, jitter: 'half', random: () => random })
    const waits = Array.from({ length: 5 }, () => backoff.next())
    expect(waits[0]).toBeGreaterThanOrEqual(1_000)
    expect([...waits].sort((a, b) => a - b)).toEqual(waits)
    expect(new Set(waits).size).toBe(waits.length)
  },
)

test('a wait is at least what the server asked for', () => {
  const backoff = createBackoff({ baseMs: 500, capMs: 4_000, jitter: 'full', random: () => 0 })
  expect(backoff.next(7_000)).toBe(7_000)
})

test('a reset begins anew', () => {
  const backoff = createBackoff({ baseMs: 500, capMs: 4_000, jitter: 'full', random: () => 1 })
  backoff.next()
  backoff.next()
  backoff.reset()
  expect(backoff.next()).toBe(500)
})

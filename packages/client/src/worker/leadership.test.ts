import { createFakeTime } from '@dustlayer/sync/testing'
import { expect, test } from 'vitest'
import { createLocalLocks } from '../tab/locks.js'
import { createLeadership } from './leadership.js'

test('who begins anew keeps the lock from those who wait for it, and takes more and more time', async () => {
  const time = createFakeTime()
  const locks = createLocalLocks()
  const begun: number[] = []
  const closed: number[] = []
  const leadership = createLeadership({
    locks,
    lock: 'lock',
    clock: time.clock(),
    onFailure: (error) => expect.unreachable(String(error)),
    async lead() {
      begun.push(time.clock().now())
      return { close: async () => void closed.push(time.clock().now()) }
    },
  })
  const settle = async (ms: number): Promise<void> => {
    for (let passed = 0; passed <= ms; passed += 50) {
      await new Promise(setImmediate)
      time.advance(50)
    }
  }
  leadership.stand()
  await settle(50)
  let granted = false
  locks.acquire('lock').then(({ release }) => {
    granted = true
    release()
  })
  for (let breakdown = 1; breakdown <= 4; breakdown++) {
    leadership.beginAnew()
    await settle(10_000)
    expect([begun.length, closed.length]).toEqual([breakdown + 1, breakdown])
  }
  const pauses = closed.map((at, i) => (begun[i + 1] ?? 0) - at)
  expect(pauses[0]).toBeLessThan(100)
  for (const [i, pause] of pauses.entries()) if (i > 0) expect(pause).toBeGreaterThan(pauses[i - 1] ?? 0)
  expect(granted).toBe(false)
  await leadership.stepDown()
  await settle(50)
  expect(granted).toBe(true)
})

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
    prepare: async () => undefined,
    onFailure: (error) => expect.unreachable(String(error)),
    onUnclosed: (error) => expect.unreachable(String(error)),
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

test('who was granted the lock in the moment in which it wanted to take it away takes it away from nobody later', async () => {
  const time = createFakeTime()
  const locks = createLocalLocks()
  let reigns = 0
  const leadership = createLeadership({
    locks,
    lock: 'lock',
    clock: time.clock(),
    prepare: async () => undefined,
    onFailure: (error) => expect.unreachable(String(error)),
    onUnclosed: (error) => expect.unreachable(String(error)),
    async lead() {
      reigns += 1
      return { close: async () => undefined }
    },
  })
  const settle = (): Promise<void> => time.advanceAsync(1)
  const before = await locks.acquire('lock')
  leadership.stand()
  await settle()
  before.release()
  leadership.seize()
  await settle()
  expect(reigns).toBe(1)
  const successor = locks.acquire('lock')
  leadership.makeWay()
  const { lost, release } = await successor
  await settle()
  expect(lost.aborted).toBe(false)
  release()
  await settle()
  expect(reigns).toBe(2)
  await leadership.stepDown()
})

test('what cannot be prepared is tried again, without the lock and without end', async () => {
  const time = createFakeTime()
  const locks = createLocalLocks()
  const failures: number[] = []
  let ready = false
  let led = 0
  const leadership = createLeadership({
    locks,
    lock: 'lock',
    clock: time.clock(),
    async prepare() {
      if (!ready) throw new Error('It could not be loaded.')
    },
    onFailure: (_, inARow) => failures.push(inARow),
    onUnclosed: (error) => expect.unreachable(String(error)),
    async lead() {
      led += 1
      return { close: async () => undefined }
    },
  })
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed <= ms; passed += 50) {
      await new Promise(setImmediate)
      time.advance(50)
    }
  }
  leadership.stand()
  await pass(120_000)
  expect(failures.slice(0, 5)).toEqual([1, 2, 3, 4, 5])
  expect(failures.length).toBeLessThan(15)
  expect(await locks.held('')).toEqual([])
  ready = true
  await pass(30_000)
  expect(led).toBe(1)
  await leadership.stepDown()
})

test('who steps down does not wait for what is being prepared', async () => {
  const leadership = createLeadership({
    locks: createLocalLocks(),
    lock: 'lock',
    clock: createFakeTime().clock(),
    prepare: () => new Promise(() => undefined),
    onFailure: (error) => expect.unreachable(String(error)),
    onUnclosed: (error) => expect.unreachable(String(error)),
    lead: () => expect.unreachable('It was not prepared.'),
  })
  leadership.stand()
  await leadership.stepDown()
})

test('who begins anew for a reason that is excused does so at once, however often', async () => {
  const time = createFakeTime()
  let reigns = 0
  const leadership = createLeadership({
    locks: createLocalLocks(),
    lock: 'lock',
    clock: time.clock(),
    prepare: async () => undefined,
    onFailure: (error) => expect.unreachable(String(error)),
    onUnclosed: (error) => expect.unreachable(String(error)),
    async lead() {
      reigns += 1
      return { close: async () => undefined }
    },
  })
  leadership.stand()
  await time.advanceAsync(1)
  for (let again = 1; again <= 5; again++) {
    leadership.beginAnew({ excused: true })
    await time.advanceAsync(1)
    expect(reigns).toBe(again + 1)
  }
  await leadership.stepDown()
})

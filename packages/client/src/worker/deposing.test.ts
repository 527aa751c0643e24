import { createFakeTime, type FakeTime } from '@dustlayer/sync/testing'
import { beforeEach, expect, test } from 'vitest'
import { createLocalLocks, type Locks } from '../tab/locks.js'
import { createDeposing, type Deposing } from './deposing.js'

const LOCK = 'deposing'

let time: FakeTime
let locks: Locks
let seized: string[]
beforeEach(() => {
  time = createFakeTime()
  locks = createLocalLocks()
  seized = []
})

function deposingTab(name: string, isSilent = () => true): Deposing {
  return createDeposing({
    locks,
    lock: LOCK,
    clock: time.clock(),
    isSilent,
    seize: () => seized.push(name),
  })
}

/** As often as a vigil says that the leader is silent. */
async function attempt(tab: Deposing): Promise<void> {
  tab.attempt()
  await time.advanceAsync(3_000)
}

test('one of many takes the lead', async () => {
  const tabs = ['a', 'b', 'c'].map((name) => deposingTab(name))
  for (const tab of tabs) tab.attempt()
  await time.advanceAsync(0)
  expect(seized).toEqual(['a'])
})

test('a leader that was heard before its turn came is left alone', async () => {
  await attempt(deposingTab('a', () => false))
  expect(seized).toEqual([])
  expect(await locks.held(LOCK)).toEqual([])
})

test('a tab that is frozen in its turn is passed over by the third attempt', async () => {
  await locks.acquire(LOCK)
  const tab = deposingTab('a')
  await attempt(tab)
  await attempt(tab)
  expect(seized).toEqual([])
  await attempt(tab)
  expect(seized).toEqual(['a'])
})

test('turns that others had for earlier leaders do not count', async () => {
  const tab = deposingTab('a')
  for (let leader = 0; leader < 5; leader++) {
    const { release } = await locks.acquire(LOCK)
    await attempt(tab)
    release()
    await time.advanceAsync(60_000)
  }
  expect(seized).toEqual([])
})

test('who leaves lets the others have its turn', async () => {
  const [first, second] = [deposingTab('a'), deposingTab('b')]
  first.attempt()
  await time.advanceAsync(0)
  first.stop()
  await attempt(second)
  expect(seized).toEqual(['a', 'b'])
})

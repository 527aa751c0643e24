import { expect, test } from 'vitest'
import { createLocalLocks } from './locks.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('one holds a lock, the others wait in order; releasing twice is releasing once', async () => {
  const locks = createLocalLocks()
  const order: string[] = []
  const first = await locks.acquire('a')
  const second = locks.acquire('a')
  const third = locks.acquire('a')
  second.then(() => order.push('second'))
  third.then(() => order.push('third'))
  await locks.acquire('b')
  await turn()
  expect(order).toEqual([])
  first.release()
  first.release()
  await turn()
  expect(order).toEqual(['second'])
  const { release } = await second
  release()
  await third
  expect(order).toEqual(['second', 'third'])
})

test('who gives up waiting is skipped', async () => {
  const locks = createLocalLocks()
  const { release } = await locks.acquire('a')
  const patience = new AbortController()
  const impatient = locks.acquire('a', patience.signal)
  const patient = locks.acquire('a')
  patience.abort(new Error('enough'))
  await expect(impatient).rejects.toThrow('enough')
  await expect(locks.acquire('b', patience.signal)).rejects.toThrow('enough')
  release()
  await patient
})

test('held locks are listed by prefix', async () => {
  const locks = createLocalLocks()
  await locks.acquire('tab:1')
  const { release } = await locks.acquire('tab:2')
  await locks.acquire('other')
  expect(await locks.held('tab:')).toEqual(['tab:1', 'tab:2'])
  release()
  expect(await locks.held('tab:')).toEqual(['tab:1'])
})

import { expect, test } from 'vitest'
import { smallStorage } from '../test-support/small-storage.js'
import { createRecall, type Recall, type SmallStorage } from './recall.js'

const STORE = 'acme/app'

function setUp(storage: SmallStorage = smallStorage(new Map())) {
  let now = 1_000
  const idle: (() => void)[] = []
  const open = (instance = 'a'): Recall =>
    createRecall({
      storage,
      instance,
      now: () => now++,
      whenIdle: (run) => idle.push(run),
      ended: () => undefined,
    })
  return { open, idle }
}

test('what is noted is found by the next page, once it was written', async () => {
  const { open, idle } = setUp()
  const page = open()
  page.note('q', () => [1])
  expect(await open().find(STORE, 'q')).toBeUndefined()
  for (const run of idle) run()
  await page.flush()
  expect(await open().find(STORE, 'q')).toEqual([1])
})

test('only the last result is written, and read when it is', async () => {
  const { open, idle } = setUp()
  const page = open()
  let reads = 0
  for (const value of [1, 2, 3]) {
    page.note('q', () => {
      reads += 1
      return value
    })
  }
  await page.flush()
  expect([reads, idle.length]).toEqual([1, 1])
  expect(await open().find(STORE, 'q')).toBe(3)
})

test('pages that share an instance add to each other', async () => {
  const { open } = setUp()
  const [one, two] = [open(), open()]
  one.note('q1', () => 1)
  two.note('q2', () => 2)
  await Promise.all([one.close(), two.close()])
  expect([await open().find(STORE, 'q1'), await open().find(STORE, 'q2')]).toEqual([1, 2])
})

test('another instance, which another user or url has, sees nothing', async () => {
  const { open } = setUp()
  const page = open('a')
  page.note('q', () => 1)
  await page.close()
  expect(await open('b').find(STORE, 'q')).toBeUndefined()
})

test('the 32 that were noted last stay, within 256 KB; one that is larger is not kept', async () => {
  const { open } = setUp()
  const page = open()
  for (let i = 0; i < 40; i++) {
    page.note(`q${i}`, () => i)
    await page.flush()
  }
  page.note('large', () => 'x'.repeat(300_000))
  await page.close()
  const next = open()
  expect(await next.find(STORE, 'q7')).toBeUndefined()
  expect(await next.find(STORE, 'q8')).toBe(8)
  expect(await next.find(STORE, 'large')).toBeUndefined()
  next.note('l1', () => 'x'.repeat(200_000))
  await next.flush()
  next.note('l2', () => 'y'.repeat(200_000))
  await next.close()
  expect(await open().find(STORE, 'l1')).toBeUndefined()
  expect(await open().find(STORE, 'l2')).toHaveLength(200_000)
})

test('what is there no more is not remembered', async () => {
  const { open } = setUp()
  const page = open()
  page.note('q', () => 1)
  await page.flush()
  page.note('q', () => undefined)
  await page.close()
  expect(await open().find(STORE, 'q')).toBeUndefined()
})

test('forgetting leaves nothing, also of what is being written, and nothing is added afterwards', async () => {
  const kept = new Map<string, unknown>()
  const { open, idle } = setUp(smallStorage(kept))
  const page = open()
  page.note('q', () => 1)
  void page.flush()
  await page.forget()
  page.note('q', () => 2)
  for (const run of idle) run()
  await page.flush()
  expect(kept.size).toBe(0)
  expect(await page.find(STORE, 'q')).toBeUndefined()
})

test('without storage, or with that of another version, nothing is remembered and nothing fails', async () => {
  const broken = {
    get: () => Promise.reject(new Error('denied')),
    update: () => Promise.reject(new Error('denied')),
    delete: () => Promise.reject(new Error('denied')),
  }
  const { open } = setUp(broken)
  const page = open()
  page.note('q', () => 1)
  await page.close()
  await page.forget()
  expect(await open().find(STORE, 'q')).toBeUndefined()
  const other = smallStorage(new Map([['dust:a:recall', { v: 99, queries: 'odd' }]]))
  expect(await setUp(other).open().find(STORE, 'q')).toBeUndefined()
})

test('nothing is told any more of a store that this page has seen, also not by who asked before', async () => {
  const { open } = setUp()
  const page = open()
  page.note('q', () => 1)
  await page.close()
  const next = open()
  expect(await next.find(STORE, 'q')).toBe(1)
  const asked = next.find(STORE, 'q')
  next.answered(STORE)
  expect([await asked, await next.find(STORE, 'q'), await next.find('acme/other', 'q')]).toEqual([
    undefined,
    undefined,
    1,
  ])
})

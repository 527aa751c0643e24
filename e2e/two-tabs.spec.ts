import type { Page } from '@playwright/test'
import { expect, test, untilSynced } from './support/test.js'

const put = (page: Page, path: string, value: string) =>
  page.evaluate(async ([path, value]) => void (await window.store.put(path, value)), [path, value] as const)
const read = (page: Page, path: string) => page.evaluate((path) => window.store.get(path), path)
const leads = (page: Page) => page.evaluate(async () => (await window.store.status()).leader)
const heard = (page: Page) =>
  page.evaluate(() => window.events.map((event) => [event.path, event.value] as const))

test('I23 two tabs of a profile share one socket, and each hears the other’s writes', async ({
  link,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const first = await newTab(profile, { url: link.url })
  const second = await newTab(profile, { url: link.url })
  await untilSynced(first)
  await untilSynced(second)

  await put(first, 'from/first', 'hello')
  await put(second, 'from/second', 'hi')
  await expect.poll(() => heard(first)).toContainEqual(['from/second', 'hi'])
  await expect.poll(() => heard(second)).toContainEqual(['from/first', 'hello'])
  expect(await read(first, 'from')).toEqual({ first: 'hello', second: 'hi' })
  expect(await read(second, 'from')).toEqual({ first: 'hello', second: 'hi' })

  await untilSynced(second)
  expect(link.sockets).toHaveLength(1)
})

test('two profiles converge, with a socket each', async ({ link, newProfile, newTab }) => {
  const [ann, bob] = await Promise.all([newProfile(), newProfile()])
  const [annsTab, bobsTab] = await Promise.all([
    newTab(ann, { url: link.url }),
    newTab(bob, { url: link.url }),
  ])
  await untilSynced(annsTab)
  await untilSynced(bobsTab)

  await put(annsTab, 'from/ann', 'hello')
  await put(bobsTab, 'from/bob', 'hi')
  await expect.poll(() => heard(annsTab)).toContainEqual(['from/bob', 'hi'])
  await expect.poll(() => heard(bobsTab)).toContainEqual(['from/ann', 'hello'])

  // Both at once on one path: whoever comes last at the server wins, in both.
  await Promise.all([put(annsTab, 'title', 'Ann’s'), put(bobsTab, 'title', 'Bob’s')])
  await untilSynced(annsTab)
  await untilSynced(bobsTab)
  await expect.poll(async () => (await read(annsTab, 'title')) === (await read(bobsTab, 'title'))).toBe(true)

  const devices = link.openSockets().map((socket) => socket.deviceId)
  expect(devices).toHaveLength(2)
  expect(new Set(devices).size).toBe(2)
})

test('two profiles converge, of which one speaks MessagePack', async ({ newProfile, newTab }) => {
  const [ann, bob] = await Promise.all([newProfile(), newProfile()])
  const [annsTab, bobsTab] = await Promise.all([newTab(ann), newTab(bob, { format: 'msgpack' })])
  await put(annsTab, 'from/ann', 'Grüße, 世界 🌍')
  await put(bobsTab, 'from/bob', 'hi')
  const both = { ann: 'Grüße, 世界 🌍', bob: 'hi' }
  await expect.poll(() => read(annsTab, 'from')).toEqual(both)
  await expect.poll(() => read(bobsTab, 'from')).toEqual(both)
})

test('I23 the leading tab closes in the middle of writes: the other takes over and loses none', async ({
  link,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const leader = await newTab(profile, { url: link.url })
  await untilSynced(leader)
  const follower = await newTab(profile, { url: link.url })
  await untilSynced(follower)
  expect(await leads(leader)).toBe(true)
  expect(await leads(follower)).toBe(false)

  // The follower counts up, one call after the other, through the leader. A write during the hand-over has to wait,
  // never to fail, and must not count twice.
  const total = 200
  const counting = follower.evaluate(async (total) => {
    for (let done = 1; done <= total; done++) {
      await window.store.increment('n')
      document.title = String(done)
    }
  }, total)
  await expect.poll(async () => Number(await follower.title())).toBeGreaterThan(20)
  await leader.close()
  await counting

  await untilSynced(follower)
  expect(await leads(follower)).toBe(true)
  expect(await read(follower, 'n')).toBe(total)
  await expect.poll(() => link.openSockets().length).toBe(1)

  const newcomer = await newTab(profile, { url: link.url })
  expect(await read(newcomer, 'n')).toBe(total)
})

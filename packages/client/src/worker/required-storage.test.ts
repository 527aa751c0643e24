import { StorageError } from '@dustlayer/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTabWorld, STORE, type TabWorld, type WorldTab } from '../test-support/tab-world.js'

let world: TabWorld
beforeEach(() => {
  world = createTabWorld()
})
afterEach(() => world.dispose())

const demanding = (): WorldTab => world.open('dev_1', {}, { persistent: true })

test('a tab that requires it is not served by a leader in memory, and is by the next that keeps things', async () => {
  world.setPersistent(false)
  const easy = world.open()
  await world.outcome(easy.dust.put(STORE, 'k', 1))
  const tab = demanding()
  const put = world.outcome(tab.dust.put(STORE, 'k', 2))
  await expect(put).rejects.toMatchObject({ name: 'StorageError', code: 'not_persistent' })
  await expect(world.outcome(tab.dust.get(STORE, 'k'))).rejects.toBeInstanceOf(StorageError)
  // The others are served as ever, and nothing of the refused one is written.
  expect(await world.outcome(easy.dust.get(STORE, 'k'))).toBe(1)
  world.setPersistent(true)
  easy.kill()
  await world.until(() => tab.leading)
  await world.outcome(tab.dust.put(STORE, 'k', 3))
  expect(await world.outcome(tab.dust.get(STORE, 'k'))).toBe(3)
})

test('what it has registered is told nothing from memory, and goes on afterwards', async () => {
  const first = world.open()
  await world.outcome(first.dust.get(STORE, 'k'))
  const tab = demanding()
  const seen: unknown[] = []
  tab.dust.on(STORE, '**', ({ value }) => seen.push(value))
  await world.outcome(tab.dust.get(STORE, 'k'))
  const second = world.open()
  await world.outcome(second.dust.put(STORE, 'k', 'kept'))
  await world.until(() => seen.length > 0)
  const before = seen.length
  world.setPersistent(false)
  first.breakStorage('broken')
  await world.outcome(second.dust.put(STORE, 'k', 'in memory'))
  const status = await world.outcome(tab.dust.status(STORE).catch((error: unknown) => error))
  expect(JSON.stringify(status)).toContain('not_persistent')
  expect(seen.slice(before)).not.toContain('in memory')
  world.setPersistent(true)
  first.breakStorage('broken')
  await world.outcome(second.dust.put(STORE, 'k', 'kept again'))
  await world.until(() => seen.includes('kept again'))
})

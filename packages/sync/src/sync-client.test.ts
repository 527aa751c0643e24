import { expect, test } from 'vitest'
import { createWorld } from './testing/world.js'

test('smoke', () => {
  const world = createWorld()
  world.put('a', 1)
  world.settle()
  expect(world.server.model.read('a')).toBe(1)
  expect(world.sync.status()).toMatchObject({ state: 'live', lastStoreSeq: 1, error: null })
  world.client.close()
  expect(world.clock.pending).toBe(0)
})

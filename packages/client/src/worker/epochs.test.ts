import { createClock } from '@dustlayer/sync'
import { afterEach, expect, test, vi } from 'vitest'
import { createEpochs } from './epochs.js'

const clock = createClock({ setTimeout, clearTimeout, now: Date.now })

afterEach(() => vi.unstubAllGlobals())

test('where a page may not store, no number is known and none is kept, and nobody is disturbed', async () => {
  const open = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError')
  }
  vi.stubGlobal('indexedDB', { open })
  const epochs = createEpochs('default', clock)
  expect(await epochs.last).toBe(0)
  await epochs.save(7)
  expect(await epochs.last).toBe(0)
})

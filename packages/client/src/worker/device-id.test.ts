import { createClock } from '@dustlayer/sync'
import { afterEach, expect, test, vi } from 'vitest'
import { findDeviceId, loadDeviceId } from './device-id.js'

const clock = createClock({ setTimeout, clearTimeout, now: Date.now })

afterEach(() => vi.unstubAllGlobals())

test('where a page may not store, the id is for this life, and whether one is kept is not known', async () => {
  const open = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError')
  }
  vi.stubGlobal('indexedDB', { open })
  const made = await loadDeviceId('default', clock, null)
  expect(made).toEqual({ id: expect.stringMatching(/^dev_/), kept: false })
  expect(await loadDeviceId('default', clock, made.id)).toEqual({ id: made.id, kept: false })
  expect(await findDeviceId('default', clock)).toBeUndefined()
})

import { createClock } from '@dustlayer/sync'
import { afterEach, expect, test, vi } from 'vitest'
import { wipe } from './wipe.js'

const clock = createClock({ setTimeout, clearTimeout, now: Date.now })
const options = { instance: 'default', clock, random: Math.random }
const insecure = new DOMException('The operation is insecure.', 'SecurityError')

afterEach(() => vi.unstubAllGlobals())

/** A browser whose storage fails so. */
function stubStorage(failure: DOMException): void {
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.reject(failure) } })
  const fail = () => {
    throw failure
  }
  vi.stubGlobal('indexedDB', { open: fail, deleteDatabase: fail })
}

test.each([
  ['Firefox', insecure],
  ['Chromium', new DOMException('The user denied permission to access the database.', 'UnknownError')],
])('where a page may not store there is nothing to remove: %s', async (_browser, failure) => {
  stubStorage(failure)
  await wipe(options)
})

test('what cannot be removed is named', async () => {
  stubStorage(new DOMException('The disk is broken.', 'UnknownError'))
  await expect(wipe(options)).rejects.toThrow('its files, its keys, its database could not be deleted')
})

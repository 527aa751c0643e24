import { expect, test } from 'vitest'
import { findCompany } from './company.js'

const granting = { request: async (_name: string, _options: unknown, callback: () => void) => callback() }
// No more of a lock manager is used here.
const locks = granting as unknown as LockManager

test('tabs share where locks and channels can be had', async () => {
  const { alone } = await findCompany({ navigator: { locks }, BroadcastChannel })
  expect(alone).toBeUndefined()
})

test('outside a secure context a tab lives alone', async () => {
  const { alone } = await findCompany({ navigator: {}, BroadcastChannel })
  expect(alone).toContain('not a secure context')
})

test('where locks are refused, as in an iframe that may not store, a tab lives alone, and has locks and channels', async () => {
  const refused = () => Promise.reject(new DOMException('The request was denied.', 'SecurityError'))
  const denied = { request: refused } as unknown as LockManager
  const company = await findCompany({ navigator: { locks: denied }, BroadcastChannel })
  expect(company.alone).toContain('SecurityError: The request was denied.')
  const held = await company.locks.acquire('leader')
  expect(await company.locks.tryAcquire('leader')).toBeUndefined()
  held.release()
  const heard: unknown[] = []
  const here = company.openChannel('news', (message) => heard.push(message))
  const there = company.openChannel('news', () => undefined)
  there.post('hello')
  await Promise.resolve()
  expect(heard).toEqual(['hello'])
  for (const end of [here, there]) end.close()
})

test('where channels are refused, a tab lives alone', async () => {
  class Refused extends BroadcastChannel {
    constructor(name: string) {
      super(name)
      this.close()
      throw new DOMException('The operation is insecure.', 'SecurityError')
    }
  }
  const { alone } = await findCompany({ navigator: { locks }, BroadcastChannel: Refused })
  expect(alone).toContain('insecure')
})

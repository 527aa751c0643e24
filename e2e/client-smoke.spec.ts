import { expect, test, untilSynced } from './support/test.js'

test('watch tells what is there and then what another tab writes, each once', async ({
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const first = await newTab(profile)
  await first.evaluate(() => Promise.all([1, 2, 3].map((i) => window.store.put(`k/${i}`, i))))
  const second = await newTab(profile)
  await second.evaluate(() => {
    const seen: string[] = []
    Object.assign(window, { seen })
    window.store.watch('k/*', ({ type, path }) => seen.push(`${type} ${path}`))
    return window.store.get('k')
  })
  await first.evaluate(() => window.store.put('k/4', 4))
  const expected = ['present k/1', 'present k/2', 'present k/3', 'change k/4']
  await expect.poll(() => second.evaluate(() => Reflect.get(window, 'seen'))).toEqual(expected)
})

test('close leaves no lock, and what was written is there for the next', async ({ newProfile, newTab }) => {
  const tab = await newTab(await newProfile())
  await untilSynced(tab)
  const locks = await tab.evaluate(async () => {
    void window.store.put('k', 1)
    await window.dust.close()
    const { held = [], pending = [] } = await navigator.locks.query()
    return [...held, ...pending].map(({ name }) => name)
  })
  expect(locks).toEqual([])
  await expect(tab.evaluate(() => window.store.get('k'))).rejects.toThrow('has been closed')
  await tab.reload()
  expect(await tab.evaluate(() => window.store.get('k'))).toBe(1)
})

test('instances of different names do not see each other', async ({ newProfile, newTab, server }) => {
  const tab = await newTab(await newProfile())
  await untilSynced(tab)
  const seen = await tab.evaluate(
    async ({ token, store }) => {
      await window.store.put('k', 1)
      // A server that is not there: what this instance has must come from this device.
      const other = window.createDust({ url: 'ws://127.0.0.1:1/ws/sync', token, name: 'other' })
      const before = await other.get(store, 'k')
      await other.put(store, 'k', 2)
      const values = [before, await other.get(store, 'k'), await window.store.get('k')]
      await other.close()
      return values
    },
    { token: server.token, store: server.store },
  )
  expect(seen).toEqual([undefined, 2, 1])
})

test('two Dusts of the same name in one page are two tabs of one instance', async ({
  newProfile,
  newTab,
  link,
  server,
}) => {
  const tab = await newTab(await newProfile(), { url: link.url })
  await untilSynced(tab)
  const value = await tab.evaluate(
    async ({ url, token, store }) => {
      const twin = window.createDust({ url, token })
      await window.store.put('k', 'mine')
      const read = await twin.get(store, 'k')
      await twin.close()
      return read
    },
    { url: link.url, token: server.token, store: server.store },
  )
  expect(value).toBe('mine')
  expect(link.sockets).toHaveLength(1)
})

test('memory is chosen on demand and said', async ({ newProfile, newTab, server }) => {
  const tab = await newTab(await newProfile())
  const status = await tab.evaluate(
    async ({ url, token, store }) => {
      const dust = window.createDust({ url, token, name: 'memory', storage: 'memory' })
      await dust.put(store, 'k', 1).committed
      const result = await dust.status(store)
      await dust.close()
      return result
    },
    { url: server.url, token: server.token, store: server.store },
  )
  expect(status).toMatchObject({ storage: { kind: 'memory', persisted: null }, lastStoreSeq: 1 })
})

test('a worker that cannot be loaded fails every call, and status says why', async ({
  newProfile,
  newTab,
  server,
}) => {
  const tab = await newTab(await newProfile())
  const outcome = await tab.evaluate(
    async ({ url, token, store }) => {
      const dust = window.createDust({ url, token, name: 'broken', workerUrl: '/no-such-worker.js' })
      const error = await dust.get(store, 'k').catch((failure: Error) => failure)
      const { storage, connection } = await dust.status(store)
      await dust.close()
      return { name: error instanceof Error ? error.name : 'none', storage, connection }
    },
    { url: server.url, token: server.token, store: server.store },
  )
  expect(outcome).toMatchObject({
    name: 'UnavailableError',
    connection: 'offline',
    storage: { kind: 'unavailable', reason: expect.stringContaining('did not start') },
  })
})

test('a token function is called on the page', async ({ newProfile, newTab, server }) => {
  const tab = await newTab(await newProfile())
  const outcome = await tab.evaluate(
    async ({ url, token, store }) => {
      let calls = 0
      const refresh = async () => {
        calls += 1
        return token
      }
      const dust = window.createDust({ url, name: 'refresh', token: refresh })
      await dust.increment(store, 'n').committed
      await dust.close()
      return calls
    },
    { url: server.url, token: server.token, store: server.store },
  )
  expect(outcome).toBe(1)
})

import { expect, test, untilSynced } from './support/test.js'

test('what was shown last is shown first, before the worker is there; the real result follows', async ({
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const first = await newTab(profile)
  await first.evaluate(async () => {
    await window.store.merge('cards', { a: 1, b: 2 }).committed
    await new Promise<void>((resolve) => {
      window.store.live('cards/*', ({ nodes, stale }) => void (!stale && nodes.length === 2 && resolve()), {
        stale: 'allow',
      })
    })
    await window.store.get('cards', { onStale: () => undefined })
    await window.dust.close()
  })
  await first.close()

  const page = await profile.context.newPage()
  let letGo = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  await profile.context.route(/worker.*\.js/, async (route) => {
    await held
    await route.continue()
  })
  await page.goto(first.url())
  const told = await page.evaluateHandle(() => {
    const results: unknown[] = []
    const note = (what: string, value: unknown, stale: boolean) => results.push({ what, value, stale })
    window.store.live(
      'cards/*',
      ({ nodes, stale }) =>
        note(
          'live',
          nodes.map(({ value }) => value),
          stale,
        ),
      {
        stale: 'allow',
      },
    )
    window.store
      .get('cards', { onStale: (value) => note('get', value, true) })
      .then((value) => note('get', value, false))
    return results
  })
  const stale = [
    { what: 'live', value: [1, 2], stale: true },
    { what: 'get', value: { a: 1, b: 2 }, stale: true },
  ]
  await expect.poll(() => told.jsonValue()).toHaveLength(2)
  expect(await told.jsonValue()).toEqual(expect.arrayContaining(stale))
  letGo()
  await expect.poll(() => told.jsonValue()).toHaveLength(4)
  const real = ((await told.jsonValue()) as unknown[]).slice(2)
  expect(real).toEqual(expect.arrayContaining(stale.map((one) => ({ ...one, stale: false }))))
})

test('signing out sends what is pending, and leaves nothing of the user on the device', async ({
  server,
  newProfile,
  newTab,
}) => {
  const profile = await newProfile()
  const page = await newTab(profile)
  await untilSynced(page)
  const left = await page.evaluate(async () => {
    await window.store.get('k', { onStale: () => undefined })
    window.dust.setOnline(false)
    await window.store.put('k', 1)
    const leaving = window.dust.signOut({ pending: 'flush' })
    window.dust.setOnline(true)
    await leaving
    const files: string[] = []
    const root = await navigator.storage.getDirectory()
    for await (const name of (root as unknown as { keys(): AsyncIterable<string> }).keys()) files.push(name)
    const databases = await Promise.all(
      (await indexedDB.databases()).map(
        ({ name = '' }) =>
          new Promise<string>((resolve, reject) => {
            const request = indexedDB.open(name)
            request.onerror = () => reject(request.error)
            request.onsuccess = async () => {
              const stores = [...request.result.objectStoreNames]
              let keys = 0
              for (const store of stores) {
                const count = request.result.transaction(store).objectStore(store).count()
                keys += await new Promise<number>((done) => {
                  count.onsuccess = () => done(count.result)
                })
              }
              request.result.close()
              resolve(`${name}: ${keys}`)
            }
          }),
      ),
    )
    return { files, databases, caches: await caches.keys() }
  })
  expect(left.files).toEqual([])
  expect(left.caches).toEqual([])
  expect(left.databases.filter((database) => !database.endsWith(': 0'))).toEqual([])

  const again = await newTab(profile, { url: server.url })
  await untilSynced(again)
  expect(await again.evaluate(() => window.store.get('k'))).toBe(1)
})

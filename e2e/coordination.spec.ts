import { expect, test, untilSynced } from './support/test.js'

test('typed values, a batch and a fenced write survive the way through worker, server and another browser', async ({
  newProfile,
  newTab,
}) => {
  const [ann, ben] = [await newTab(await newProfile()), await newTab(await newProfile())]
  await untilSynced(ann)
  const written = await ann.evaluate(async () => {
    const { store } = window
    const lease = await store.lease('lock', { ttlMs: 30_000 })
    if (!lease) throw new Error('The lease is held.')
    const price = { _type: 'decimal', _typed: '12.500' }
    const committed = await store.batch((b) => {
      b.put('order', { price, count: 2n ** 60n })
      b.add('tags', 'new')
      b.increment('orders')
    }).committed
    await store.put('state', 'done', { fence: lease }).committed
    return { revisions: committed.map(({ revision }) => revision), released: await store.release(lease) }
  })
  expect(written).toEqual({ revisions: [2, 3, 4], released: true })
  const read = await ben.evaluate(async () => {
    const { store } = window
    await store.synced()
    const price = await store.get<{ text: string; toNumber(): number }>('order/price')
    const tags = await store.get('tags')
    return {
      text: price?.text,
      number: price?.toNumber(),
      count: String(await store.get('order/count')),
      tags: tags instanceof Set ? [...tags] : tags,
      orders: await store.get('orders'),
      state: await store.get('state'),
    }
  })
  expect(read).toEqual({
    text: '12.500',
    number: 12.5,
    count: String(2n ** 60n),
    tags: ['new'],
    orders: 1,
    state: 'done',
  })
  const report = await ben.evaluate(() => window.store.doctor())
  expect(report).toMatchObject({ ok: true, server: 'equal' })
})

test('G03 of two browsers at once, one computes and the other gets its value', async ({
  newProfile,
  newTab,
}) => {
  const tabs = [await newTab(await newProfile()), await newTab(await newProfile())]
  for (const tab of tabs) await untilSynced(tab)
  const results = await Promise.all(
    tabs.map((tab, i) =>
      tab.evaluate(async (who) => {
        let runs = 0
        const result = await window.store.singleFlight('cache/x', async ({ publish }) => {
          runs += 1
          await new Promise((resolve) => setTimeout(resolve, 500))
          return publish({ who })
        })
        return { ...result, runs }
      }, i),
    ),
  )
  const sources = results.map(({ source }) => source).sort()
  expect(sources).toEqual(['awaited', 'computed'])
  expect(results.reduce((sum, { runs }) => sum + runs, 0)).toBe(1)
  expect(results[0]?.value).toEqual(results[1]?.value)
  expect(results.every(({ coordinated }) => coordinated)).toBe(true)
})

import { fileURLToPath } from 'node:url'
import { startServer } from './support/server.js'
import { expect, test } from './support/test.js'

const PAGE = fileURLToPath(new URL('../examples/seed-tour/dist', import.meta.url))

test('the tour of the introduction gives what it promises', async ({ newProfile }) => {
  const server = await startServer({ app: PAGE })
  try {
    const { context } = await newProfile()
    const page = await context.newPage()
    await page.goto(server.httpUrl)
    await expect(page.getByRole('status')).toHaveText('Done.')

    const shown = await page
      .locator('#steps li')
      .evaluateAll((items: HTMLElement[]) =>
        items.map((item) => [item.dataset.step ?? '', item.querySelector('pre')?.textContent ?? ''] as const),
      )
    const results = new Map(
      shown.map(([step, text]) => [step, text === 'undefined' ? undefined : JSON.parse(text)]),
    )
    const age = results.get('age in ms')
    results.delete('age in ms')
    expect([...results]).toEqual([
      ['put', { revision: 1 }],
      ['get', { name: 'Alice', role: 'admin' }],
      ['delete', undefined],
      ['merge', { name: 'Alice', role: 'superadmin' }],
      ['enum', [{ path: 'users/alice', value: { name: 'Alice', role: 'superadmin' } }]],
      ['paged enum', { paths: ['users/alice/role', 'users/alice/name'], nextCursor: null }],
      ['getMany', { 'users/alice': { name: 'Alice', role: 'superadmin' } }],
      ['range', ['logs.2026-04-01', 'logs.2026-04-29']],
      ['compare-and-swap', 'saved'],
      ['compare-and-swap with an old revision', 'conflict'],
      ['on', [['users/bob', { name: 'Bob' }]]],
    ])
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(60_000)
  } finally {
    await server.dispose()
  }
})

import type { Page } from '@playwright/test'
import { expect, test, untilSynced } from './support/test.js'

const code = (page: Page) =>
  page.evaluate(() =>
    window.store.get('secret').then(
      (value) => `served: ${value}`,
      (error) => error.code,
    ),
  )

const filesOf = (page: Page) =>
  page.evaluate(async () => {
    const names: string[] = []
    for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name)
    return names
  })

/** What keeps a tab from hearing that its data is removed, and what ends that. */
const absences: { [name: string]: { away(page: Page): Promise<void>; back(page: Page): Promise<void> } } = {
  'is frozen': {
    away: (page) => page.evaluate(() => void document.dispatchEvent(new Event('freeze'))),
    back: (page) => page.evaluate(() => void document.dispatchEvent(new Event('resume'))),
  },
  'has a worker that hangs': {
    async away(page) {
      const [worker] = page.workers()
      // In a turn of its own, so that the browser may end it.
      worker?.evaluate('setTimeout(() => { for (;;); })').catch(() => undefined)
    },
    // Its page replaces the worker.
    back: async () => undefined,
  },
}

for (const [what, { away, back }] of Object.entries(absences)) {
  test(`a tab that ${what} while another one destroys the data brings nothing back`, async ({
    newProfile,
    newTab,
  }) => {
    const profile = await newProfile()
    const stays = await newTab(profile)
    await untilSynced(stays)
    const destroys = await newTab(profile)
    await untilSynced(destroys)
    await stays.evaluate(async () => void (await window.store.put('secret', 1).committed))
    await away(stays)
    await destroys.evaluate(() => window.dust.destroy())
    await destroys.close()
    await back(stays)
    await expect.poll(() => code(stays), { timeout: 30_000 }).toBe('destroyed')
    expect(await filesOf(stays)).toEqual([])
  })
}

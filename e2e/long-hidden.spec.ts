import type { Page } from '@playwright/test'
import { expect, test, untilSynced } from './support/test.js'

const leads = (page: Page) => page.evaluate(async () => (await window.store.status()).leader)

/** What the browser tells a page that nobody sees, or that is seen again. Under automation every page is visible. */
async function show(page: Page, state: DocumentVisibilityState): Promise<void> {
  await page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}

/** Counts up until it is told to stop, and says how far it came. */
async function startCounting(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const counting = (async () => {
      let done = 0
      for (; document.title !== 'stop'; done++) {
        await window.store.increment('n')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return done
    })()
    Object.assign(window, { counting })
  })
  return () =>
    page.evaluate(async () => {
      document.title = 'stop'
      return (window as unknown as { counting: Promise<number> }).counting
    })
}

test('pain 13: a leader whose page is hidden for long gives way to a page that is seen, without a call lost or doubled', async ({
  newProfile,
  newTab,
}) => {
  // A leader is left alone for a minute.
  test.setTimeout(180_000)
  const profile = await newProfile()
  const first = await newTab(profile)
  await untilSynced(first)
  const second = await newTab(profile)
  await untilSynced(second)
  expect([await leads(first), await leads(second)]).toEqual([true, false])
  const stops = [await startCounting(first), await startCounting(second)]

  const hiddenAt = Date.now()
  await show(first, 'hidden')
  await expect.poll(() => leads(second), { timeout: 120_000, intervals: [500] }).toBe(true)
  expect(Date.now() - hiddenAt).toBeGreaterThan(55_000)
  expect(await leads(first)).toBe(false)

  const counts = await Promise.all(stops.map((stop) => stop()))
  const total = counts.reduce((sum, count) => sum + count)
  await Promise.all([untilSynced(first), untilSynced(second)])
  for (const page of [first, second]) {
    await expect.poll(() => page.evaluate(() => window.store.get('n'))).toBe(total)
  }
  // Who is seen again does not take the lead back.
  await show(first, 'visible')
  await untilSynced(first)
  expect([await leads(first), await leads(second)]).toEqual([false, true])
})

import type { Page } from '@playwright/test'
import { expect, test, untilSynced } from './support/test.js'

const PUTS = Number(process.env.DUST_E2E_PUTS ?? 20_000)
const ENTRIES = Number(process.env.DUST_E2E_ENTRIES ?? 50_000)

/** What another tab has seen of the leader, and of its own calls, while it asked again and again. */
interface Seen {
  readonly leaders: boolean[]
  readonly errors: string[]
  readonly waits: number[]
}

declare global {
  interface Window {
    stopAsking: () => Promise<Seen>
  }
}

/** Has the tab read and write something every now and then. */
async function askOn(page: Page, write: boolean): Promise<void> {
  await page.evaluate(
    ({ write }) => {
      const { store } = window
      const leaders: boolean[] = []
      const errors: string[] = []
      const waits: number[] = []
      let stopped = false
      const stopStatus = store.onStatus(({ leader, error }) => {
        if (leader !== leaders.at(-1)) leaders.push(leader)
        if (error && error.message !== errors.at(-1)) errors.push(error.message)
      })
      const asking = (async () => {
        for (let n = 0; !stopped; n++) {
          const begun = performance.now()
          await (write ? store.put('other/n', n) : store.get('k'))
          await store.get('k')
          waits.push(Math.round(performance.now() - begun))
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })()
      window.stopAsking = async () => {
        stopped = true
        await asking
        stopStatus()
        return { leaders, errors, waits }
      }
    },
    { write },
  )
}

async function seen(page: Page, what: string, ms: number): Promise<Seen> {
  const told = await page.evaluate(() => window.stopAsking())
  const sorted = [...told.waits].sort((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0
  console.log(
    `${what}: ${Math.round(ms)} ms; the other tab waited ${at(0.5)} ms (median), ${at(0.95)} (95 %), ${at(1)} (longest of ${sorted.length}); changes of leader: ${told.leaders.length - 1}`,
  )
  return told
}

for (const calling of ['leads', 'follows'] as const) {
  test(`${PUTS} puts in one tick of a tab that ${calling} keep no other tab waiting, and cost no leader its place`, async ({
    newProfile,
    newTab,
  }) => {
    test.slow()
    const profile = await newProfile()
    const first = await newTab(profile)
    await untilSynced(first)
    const second = await newTab(profile)
    await untilSynced(second)
    const [caller, other] = calling === 'leads' ? [first, second] : [second, first]
    await other.evaluate(() => window.dust.setOnline(false))
    await askOn(other, false)
    const ms = await caller.evaluate(async (puts) => {
      const begun = performance.now()
      await Promise.all(
        Array.from({ length: puts }, (_, i) =>
          window.store.put(`b/${i % 100}/${i}`, { i, text: 'x'.repeat(60) }),
        ),
      )
      return performance.now() - begun
    }, PUTS)
    const { leaders, errors } = await seen(other, `${PUTS} puts, caller ${calling}`, ms)
    expect(errors).toEqual([])
    expect(leaders).toHaveLength(1)
    expect(await other.evaluate(async () => (await window.store.status()).pending.count)).toBe(PUTS)
  })
}

test(`export() and doctor() of ${ENTRIES} entries let other tabs read and write meanwhile`, async ({
  newProfile,
  newTab,
}) => {
  test.slow()
  const profile = await newProfile()
  const first = await newTab(profile)
  await untilSynced(first)
  await first.evaluate(async (entries) => {
    await window.store.put('k', 1)
    for (let from = 0; from < entries; from += 1_000) {
      const part = Object.fromEntries(
        Array.from({ length: 1_000 }, (_, i) => [`e${from + i}`, `text ${'x'.repeat(60)}`]),
      )
      await window.store.merge(`m/${from}`, part)
    }
  }, ENTRIES)
  await expect
    .poll(() => first.evaluate(async () => (await window.store.status()).pending.count), { timeout: 120_000 })
    .toBe(0)
  const second = await newTab(profile)
  await untilSynced(second)
  await askOn(second, true)
  const exported = await first.evaluate(async () => {
    const begun = performance.now()
    const { entries, outbox } = await window.store.export()
    const paths = entries.map(({ path }) => path)
    return {
      ms: performance.now() - begun,
      count: entries.length,
      distinct: new Set(paths).size,
      outbox: outbox.length,
    }
  })
  const duringExport = await seen(second, `export of ${ENTRIES} entries`, exported.ms)
  await askOn(second, true)
  const examined = await first.evaluate(async () => {
    const begun = performance.now()
    const { ok } = await window.store.doctor()
    return { ms: performance.now() - begun, ok }
  })
  const duringDoctor = await seen(second, `doctor of ${ENTRIES} entries`, examined.ms)
  expect(examined.ok).toBe(true)
  expect(exported.distinct).toBe(exported.count)
  expect(exported.count).toBeGreaterThanOrEqual(ENTRIES + 1)
  for (const { leaders, errors } of [duringExport, duringDoctor]) {
    expect(errors).toEqual([])
    expect(leaders).toHaveLength(1)
  }
})

import type { Page } from '@playwright/test'
import { expect, test, untilSynced } from './support/test.js'

/** Looks at `title`, and swaps it for `value` if nobody else has. */
const swap = (page: Page, value: string) =>
  page.evaluate(async (value) => {
    const { store } = window
    const seen = await store.entry('title')
    try {
      const write = await store.put('title', value, { ifMatch: seen?.revision ?? 0 })
      return { won: (await write.committed).revision }
    } catch (error) {
      // Errors cross into the test as plain data.
      const { name, code, currentRevision } = error as {
        name: string
        code: string
        currentRevision?: number
      }
      return { lost: { name, code, currentRevision } }
    }
  }, value)

test('a compare-and-swap race has one winner, and the loser learns the current revision', async ({
  link,
  newProfile,
  newTab,
}) => {
  const [ann, bob] = await Promise.all([newProfile(), newProfile()])
  const [annsTab, bobsTab] = await Promise.all([
    newTab(ann, { url: link.url }),
    newTab(bob, { url: link.url }),
  ])
  const tabs = [annsTab, bobsTab]
  await annsTab.evaluate(async () => void (await (await window.store.put('title', 'before')).committed))
  await untilSynced(annsTab)
  await expect.poll(() => bobsTab.evaluate(() => window.store.get('title'))).toBe('before')

  // Neither hears of the other before both have asked, so that the server has to decide.
  link.hold()
  const swaps = [swap(annsTab, 'Ann’s'), swap(bobsTab, 'Bob’s')]
  const asked = () =>
    link.openSockets().filter((socket) => socket.sent.some(([, , , , payload]) => payload.if_match === 1))
  await expect.poll(() => asked().length).toBe(2)
  link.release()
  const results = await Promise.all(swaps)

  expect(results.filter((result) => 'won' in result)).toEqual([{ won: 2 }])
  expect(results.filter((result) => 'lost' in result)).toEqual([
    { lost: { name: 'ConflictError', code: 'conflict', currentRevision: 2 } },
  ])

  const winner = 'won' in (results[0] ?? {}) ? 'Ann’s' : 'Bob’s'
  for (const tab of tabs) {
    await untilSynced(tab)
    await expect.poll(() => tab.evaluate(() => window.store.get('title'))).toBe(winner)
  }
  // The loser, having looked again, succeeds.
  const loser = winner === 'Ann’s' ? bobsTab : annsTab
  expect(await swap(loser, 'after')).toEqual({ won: 3 })
})

import { expect } from '@playwright/test'
import { keepsWrites } from '../storage.js'
import type { Tab } from '../tab.js'
import { untilSynced, type World } from '../world.js'
import type { Scenario } from './scenario.js'

/**
 * Writes one after the other until the page goes, and notes outside of it what it was promised: `kept` where writes
 * are durable on this device, else what the server has confirmed.
 */
async function startWriting(tab: Tab, durable: boolean): Promise<void> {
  await tab.run((durable) => {
    const write = async () => {
      for (let i = 1; ; i++) {
        const put = window.store.put(`w/${i}`, i)
        await (durable ? put : put.committed)
        document.title = String(i)
      }
    }
    // It ends with the page.
    write().catch((error) => {
      document.title = `failed: ${error}`
    })
  }, durable)
}

const promised = (tab: Tab) => tab.run(() => Number(document.title))

async function expectKept(tab: Tab, atLeast: number): Promise<void> {
  await untilSynced(tab)
  const there = await tab.run(async () => (await window.store.enum('w/*', { select: 'keys' })).items.length)
  expect(there).toBeGreaterThanOrEqual(atLeast)
  // All that came before the last one, too: there is no gap.
  expect(await tab.run((last) => window.store.get(`w/${last}`), there)).toBe(there)
}

/** Writes, ends the page in the middle of it as told, and looks for what had been promised. */
async function interrupt(
  world: World,
  outlives: (durable: boolean) => boolean,
  end: (tab: Tab) => Promise<Tab>,
): Promise<void> {
  const tab = await world.openTab()
  await untilSynced(tab)
  await startWriting(tab, outlives(await keepsWrites(tab)))
  await expect.poll(() => promised(tab)).toBeGreaterThan(30)
  const before = await promised(tab)
  await expectKept(await end(tab), before)
}

export const lifeScenarios: readonly Scenario[] = [
  {
    title: 'a reload in the middle of writes loses none that was acknowledged',
    play: (world) =>
      interrupt(
        world,
        (durable) => durable,
        async (tab) => {
          await tab.reload()
          return tab
        },
      ),
  },

  {
    title: 'SIGKILL of the browser in the middle of writes loses none that was acknowledged',
    play: (world) =>
      interrupt(
        world,
        (durable) => durable && world.engine.keepsProfiles,
        async () => {
          await (await world.browser('first')).crash()
          return world.openTab()
        },
      ),
  },

  {
    title: 'destroy() removes what was kept, and tells the other tabs',
    async play(world) {
      const tab = await world.openTab()
      const other = await world.openTab()
      await untilSynced(tab)
      await untilSynced(other)
      await tab.run(async () => void (await window.store.put('k', 1).committed))
      await tab.run(() => window.dust.destroy())
      for (const one of [tab, other]) {
        await expect(one.run(() => window.store.get('k'))).rejects.toThrow('DestroyedError')
      }
      // Without the server, what can be read is what this device has.
      await world.server.stop()
      await tab.reload()
      expect(await tab.run(() => window.store.get('k'))).toBeUndefined()
    },
  },
]

import { expect } from '@playwright/test'
import { expectStorage } from '../storage.js'
import type { Frame } from '../tab.js'
import { type BrowserName, untilSynced, type World } from '../world.js'
import type { Scenario } from './scenario.js'

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

/** The directives that docs/browsers.md names, and nothing else allowed. */
const policy = (socket: string) =>
  `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src data:; connect-src 'self' ${new URL(socket).origin}`

async function expectWorks(world: World, page: Frame): Promise<void> {
  await untilSynced(page)
  await page.run(async () => void (await window.store.put('works', true).committed))
  expect(await page.run(() => window.store.get('works'))).toBe(true)
  await expectStorage(world, page, 'ordinary')
}

export const pageScenarios: readonly Scenario[] = [
  {
    title: 'a page under a strict Content-Security-Policy, with wasm-unsafe-eval as its only exception',
    async play(world) {
      const origin = await world.host({ 'content-security-policy': policy(world.link.url) })
      const tab = await world.openTab({ url: world.address({ origin }) })
      await expectWorks(world, tab)
      // The policy is in force: what it forbids does not load.
      const loads = tab.run(
        (url) =>
          fetch(url, { mode: 'no-cors' }).then(
            () => true,
            () => false,
          ),
        world.server.httpUrl,
      )
      expect(await loads).toBe(false)
    },
  },

  {
    title: 'a page without COOP and COEP, and one with both',
    async play(world) {
      const isolated = await world.host(isolation)
      for (const [origin, expected] of [
        [world.origin, false],
        [isolated, true],
      ] as const) {
        const tab = await world.openTab({ url: world.address({ origin }) })
        expect(await tab.run(() => crossOriginIsolated)).toBe(expected)
        await expectWorks(world, tab)
      }
    },
  },

  {
    title: 'an iframe of the same site shares replica and socket with its page',
    async play(world) {
      const tab = await world.openTab()
      await untilSynced(tab)
      const frame = await tab.embed(world.address())
      await expectWorks(world, frame)
      await frame.run(async () => void (await window.store.put('from', 'frame')))
      expect(await tab.run(() => window.store.get('from'))).toBe('frame')
      expect(world.link.openSockets()).toHaveLength(1)
    },
  },

  {
    title: 'an iframe of another site has a replica of its own, in partitioned storage',
    async play(world) {
      const page = await world.openTab()
      await untilSynced(page)
      const frame = await openThirdParty(world, 'first')
      await expectStorage(world, frame, 'third-party')
      await expectApart(world, page, frame)
    },
  },

  {
    title:
      'an iframe of another site that the browser forbids to store works on its own, and destroy() works',
    async play(world) {
      const page = await world.openTab({ in: 'strict' })
      await untilSynced(page)
      const frame = await openThirdParty(world, 'strict')
      await expectStorage(world, frame, 'blocked')
      await expectApart(world, page, frame)
      await expectDestroyed(frame)
    },
  },

  {
    title: 'a private window: its tabs share a replica, and destroy() works',
    async play(world) {
      const first = await world.openTab({ in: 'private' })
      const second = await world.openTab({ in: 'private' })
      await untilSynced(first)
      await untilSynced(second)
      await expectStorage(world, first, 'private')
      await first.run(async () => void (await window.store.put('from', 'first')))
      expect(await second.run(() => window.store.get('from'))).toBe('first')
      expect(world.link.openSockets()).toHaveLength(1)
      await expectDestroyed(first)
    },
  },
]

/** The test page in an iframe of another site's page: the same machine under another name is one. */
async function openThirdParty(world: World, browser: BrowserName): Promise<Frame> {
  const elsewhere = world.origin.replace('127.0.0.1', 'localhost')
  const top = await world.openTab({ in: browser, url: `${elsewhere}/blank.html` })
  const frame = await top.embed(world.address())
  await untilSynced(frame)
  return frame
}

/** Where little or nothing may be stored, there is as little to remove, and no reason to fail. */
async function expectDestroyed(page: Frame): Promise<void> {
  await page.run(() => window.dust.destroy())
  const after = page.run(() => window.store.get('from'))
  await expect(after).rejects.toThrow('DestroyedError')
}

/** They share nothing in the browser, and meet at the server. */
async function expectApart(world: World, page: Frame, frame: Frame): Promise<void> {
  await frame.run(async () => void (await window.store.put('from', 'frame')))
  await expect.poll(() => page.run(() => window.store.get('from'))).toBe('frame')
  for (const one of [page, frame]) {
    expect(await one.run(async () => (await window.store.status()).leader)).toBe(true)
  }
  const devices = world.link.openSockets().map(({ deviceId }) => deviceId)
  expect(new Set(devices).size).toBe(2)
}

import { expect } from '@playwright/test'
import { expectStorage, keepsWrites } from '../storage.js'
import type { Tab } from '../tab.js'
import { untilSynced } from '../world.js'
import type { Scenario } from './scenario.js'

const leads = (tab: Tab) => tab.run(async () => (await window.store.status()).leader)

export const tabScenarios: readonly Scenario[] = [
  {
    title: 'status tells where the replica is kept',
    async play(world) {
      const tab = await world.openTab()
      await untilSynced(tab)
      await expectStorage(world, tab, 'ordinary')
    },
  },

  {
    title: 'two tabs, one leader, one socket: put, get, enum, on, watch and live',
    async play(world) {
      const first = await world.openTab()
      const second = await world.openTab()
      await untilSynced(first)
      await untilSynced(second)
      expect([await leads(first), await leads(second)]).toEqual([true, false])

      await second.run(async () => {
        const told: string[] = []
        const lists: string[] = []
        Object.assign(window, { told, lists })
        const { store } = window
        await store.put('list/a', 'A').committed
        store.on('list/*', ({ op, path }) => told.push(`on ${op} ${path}`), { mode: 'committed' })
        store.watch('list/*', ({ type, path }) => told.push(`watch ${type} ${path}`), { mode: 'committed' })
        store.live('list/*', ({ nodes }) => void lists.push(nodes.map(({ path }) => path).join(' ')))
      })
      const told = (what: string) => second.run((what) => Reflect.get(window, what) as string[], what)
      await expect.poll(() => told('told')).toEqual(['watch present list/a'])
      await expect.poll(() => told('lists')).toContain('list/a')
      await first.run(async () => void (await window.store.put('list/b', { name: 'B' }).committed))
      await expect.poll(() => told('lists')).toContain('list/a list/b')
      await untilSynced(second)
      const once = ['watch present list/a', 'on set list/b', 'watch change list/b']
      expect((await told('told')).sort()).toEqual(once.sort())
      for (const tab of [first, second]) {
        expect(await tab.run(() => window.store.get('list'))).toEqual({ a: 'A', b: { name: 'B' } })
        const listed = await tab.run(() => window.store.enum('list/*', { select: 'keys' }))
        expect(listed.items).toEqual(['list/a', 'list/b'])
      }
      expect(world.link.openSockets()).toHaveLength(1)
    },
  },

  {
    title: 'the leading tab is closed while the other writes: each write counts once',
    async play(world) {
      const leader = await world.openTab()
      await untilSynced(leader)
      const follower = await world.openTab()
      await untilSynced(follower)
      expect(await leads(follower)).toBe(false)

      const total = 200
      // On memory, what the leader has not sent goes with it, and status says so.
      const durable = await keepsWrites(leader)
      const counting = follower.run(
        async ({ total, durable }) => {
          let unknown = 0
          for (let done = 1; done <= total; done++) {
            const write = window.store.increment('n')
            if (durable) await write
            else
              await write.committed.catch(({ code }) => {
                if (code !== 'unavailable') throw new Error(`A write ended with ${code}`)
                unknown += 1
              })
            document.title = String(done)
          }
          return unknown
        },
        { total, durable },
      )
      await expect.poll(() => follower.run(() => Number(document.title))).toBeGreaterThan(20)
      await leader.close()
      // What the leader had taken and not sent: the one write that was open, if that is kept in memory.
      const unknown = await counting
      expect(unknown).toBeLessThanOrEqual(durable ? 0 : 1)

      await untilSynced(follower)
      expect(await leads(follower)).toBe(true)
      const counted = (await follower.run(() => window.store.get<number>('n'))) ?? 0
      expect(counted).toBeGreaterThanOrEqual(total - unknown)
      expect(counted).toBeLessThanOrEqual(total)
      await expect.poll(() => world.link.openSockets().length).toBe(1)
      const newcomer = await world.openTab()
      expect(await newcomer.run(() => window.store.get('n'))).toBe(counted)
    },
  },

  {
    title: 'the leading tab goes to another page and comes back: the other leads, both work',
    async play(world) {
      const leader = await world.openTab()
      await untilSynced(leader)
      const other = await world.openTab()
      await untilSynced(other)
      await leader.goto(`${world.origin}/blank.html`)
      await expect.poll(() => leads(other)).toBe(true)
      await other.run(async () => void (await window.store.put('while', 'away')))

      // It may come out of the back/forward cache as it was, or be loaded anew.
      await leader.goBack()
      await expect
        .poll(() => leader.run(() => window.store?.get('while')).catch(() => undefined))
        .toBe('away')
      await leader.run(async () => void (await window.store.put('back', 'again')))
      await expect.poll(() => other.run(() => window.store.get('back'))).toBe('again')
      expect(await leads(other)).toBe(true)
      await untilSynced(other)
    },
  },

  {
    title: 'close() leaves no lock and no socket, and the SDK opens again',
    async play(world) {
      const tab = await world.openTab()
      await untilSynced(tab)
      const locks = await tab.run(async () => {
        void window.store.put('k', 1).committed.catch(() => undefined)
        await window.dust.close()
        const { held = [], pending = [] } = await navigator.locks.query()
        return [...held, ...pending].map(({ name }) => name)
      })
      expect(locks).toEqual([])
      await expect.poll(() => world.link.openSockets().length).toBe(0)
      await tab.reload()
      await tab.run(async () => void (await window.store.put('l', 2)))
      expect(await tab.run(() => window.store.get('l'))).toBe(2)
      await untilSynced(tab)
    },
  },
]

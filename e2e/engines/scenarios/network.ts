import { expect } from '@playwright/test'
import { connectRaw, readLog } from '../../support/raw-client.js'
import { keepsWrites } from '../storage.js'
import type { Tab } from '../tab.js'
import { untilSynced } from '../world.js'
import type { Scenario } from './scenario.js'

const ENTRIES = 10_000
const ENTRIES_PER_WRITE = 100

const connection = (tab: Tab) => tab.run(async () => (await window.store.status()).connection)

/** Looks at `title`, and swaps it for `value` if nobody else has. */
const swap = (tab: Tab, value: string) =>
  tab.run(async (value) => {
    const seen = await window.store.entry('title')
    try {
      const write = await window.store.put('title', value, { ifMatch: seen?.revision ?? 0 })
      return { won: (await write.committed).revision }
    } catch (error) {
      const { name, code, currentRevision } = error as {
        name: string
        code: string
        currentRevision?: number
      }
      return { lost: { name, code, currentRevision } }
    }
  }, value)

export const networkScenarios: readonly Scenario[] = [
  {
    title: 'writes without a network are kept, and go out once it is there',
    async play(world) {
      const tab = await world.openTab()
      await untilSynced(tab)
      await world.server.stop()
      await expect.poll(() => connection(tab)).toBe('offline')
      await tab.run(async () => {
        for (let i = 0; i < 20; i++) await window.store.increment('n')
        await window.store.put('note', 'from the train')
      })
      // On memory they are with the page, and status says so.
      if (await keepsWrites(tab)) await tab.reload()
      expect(await tab.run(() => window.store.getMany(['n', 'note']))).toEqual({
        n: 20,
        note: 'from the train',
      })
      expect((await tab.run(() => window.store.status())).pending.count).toBe(21)

      await world.server.start()
      await untilSynced(tab)
      const log = await readLog(world.server)
      expect(log.map(({ path }) => path)).toEqual([...Array(20).fill('n'), 'note'])
      expect(new Set(log.map((op) => op.client_op_id)).size).toBe(21)
    },
  },

  {
    title: 'the server is killed and started again under writes: each takes effect once',
    async play(world) {
      const tab = await world.openTab()
      await untilSynced(tab)
      const total = 200
      const writing = tab.run(async (total) => {
        const writes = []
        for (let done = 1; done <= total; done++) {
          const write = window.store.increment('n')
          writes.push(write.committed)
          await write
          document.title = String(done)
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
        await Promise.all(writes)
      }, total)
      for (const reached of [20, 80]) {
        await expect.poll(() => tab.run(() => Number(document.title))).toBeGreaterThan(reached)
        await world.server.kill()
        await world.server.start()
      }
      await writing
      await untilSynced(tab)
      expect(await tab.run(() => window.store.get('n'))).toBe(total)
      expect(await readLog(world.server)).toHaveLength(total)
    },
  },

  {
    title: 'of two browsers that swap one value at once, one wins and the other is told',
    async play(world) {
      const tabs = [await world.openTab(), await world.openTab({ in: 'second' })]
      const [first, second] = tabs as [Tab, Tab]
      await first.run(async () => void (await window.store.put('title', 'before').committed))
      await expect.poll(() => second.run(() => window.store.get('title'))).toBe('before')
      for (const tab of tabs) await untilSynced(tab)

      // Neither hears of the other before both have asked, so that the server has to decide.
      world.link.hold()
      const swaps = [swap(first, 'first'), swap(second, 'second')]
      const asked = () =>
        world.link
          .openSockets()
          .filter(({ sent }) => sent.some(([, , , , payload]) => payload.if_match === 1))
      await expect.poll(() => asked().length).toBe(2)
      world.link.release()
      const results = await Promise.all(swaps)
      expect(results.filter((result) => 'won' in result)).toEqual([{ won: 2 }])
      expect(results.filter((result) => 'lost' in result)).toEqual([
        { lost: { name: 'ConflictError', code: 'conflict', currentRevision: 2 } },
      ])
      const winner = 'won' in (results[0] ?? {}) ? 'first' : 'second'
      for (const tab of tabs) {
        await untilSynced(tab)
        await expect.poll(() => tab.run(() => window.store.get('title'))).toBe(winner)
      }
    },
  },

  {
    title: 'a first sync of 10,000 entries',
    async play(world) {
      const writer = await connectRaw(world.server, 'engines-writer')
      await writer.push('phx_join', { last_store_seq: 0 })
      for (let map = 0; map < ENTRIES / ENTRIES_PER_WRITE; map++) {
        const value = Object.fromEntries(
          Array.from({ length: ENTRIES_PER_WRITE }, (_, leaf) => [`item-${leaf}`, `${map}.${leaf}`]),
        )
        const write = { op: 'set', path: `bulk/map-${map}`, value, client_op_id: `seed-${map}` }
        expect((await writer.push('write', write)).status).toBe('ok')
      }
      writer.close()

      const tab = await world.openTab()
      await untilSynced(tab)
      const listed = await tab.run(async () => {
        const { items } = await window.store.enum('bulk/**', { select: 'keys' })
        return { count: items.length, last: await window.store.get('bulk/map-99/item-99') }
      })
      expect(listed).toEqual({ count: ENTRIES, last: '99.99' })
    },
  },
]

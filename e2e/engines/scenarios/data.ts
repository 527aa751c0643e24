import { expect } from '@playwright/test'
import { readLog } from '../../support/raw-client.js'
import type { Tab } from '../tab.js'
import { untilSynced, type World } from '../world.js'
import type { Scenario } from './scenario.js'

/** The first browser speaks JSON, the second MessagePack. */
async function openTwo(world: World): Promise<[Tab, Tab]> {
  const url = world.address({ format: 'msgpack', url: world.server.url })
  return [await world.openTab(), await world.openTab({ in: 'second', url })]
}

export const dataScenarios: readonly Scenario[] = [
  {
    title: 'large values: a leaf of 60 KiB and a map of 2 MiB',
    async play(world) {
      const [writer, reader] = await openTwo(world)
      await writer.run(async () => {
        const text = 'grüße 世界 🌍 '.repeat(3000).slice(0, 30_000)
        await window.store.put('leaf', text)
        const map = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`part-${i}`, text]))
        await window.store.put('map', map)
      })
      await untilSynced(writer)
      const read = () =>
        reader.run(async () => {
          await window.store.synced()
          const leaf = (await window.store.get<string>('leaf')) ?? ''
          const map = (await window.store.get<Record<string, string>>('map')) ?? {}
          const parts = Object.values(map)
          return {
            bytes: new TextEncoder().encode(leaf).length,
            equal: parts.filter((part) => part === leaf).length,
          }
        })
      expect(await read()).toEqual({ bytes: await bytesOf(writer, 'leaf'), equal: 64 })
    },
  },

  {
    title: 'Unicode paths, odd values and integers beyond 2^53',
    async play(world) {
      const [writer, reader] = await openTwo(world)
      const paths = ['ключ/鍵', 'e\u0301/é', '🌍/👩‍👩‍👧', 'a b/c~0d', '%2F/..']
      await writer.run(async (paths) => {
        await Promise.all(paths.map((path, i) => window.store.put(path, i)))
        await window.store.put('big', 2n ** 60n + 1n)
        await window.store.put('small', -(2n ** 60n))
        await window.store.put('odd', { null: null, empty: '', list: [], float: 6.02e23, yes: true })
        await window.store.increment('counter', 2n ** 53n)
        await window.store.increment('counter')
      }, paths)
      await untilSynced(writer)
      const read = (tab: Tab) =>
        tab.run(async (paths) => {
          await window.store.synced()
          return {
            found: await Promise.all(paths.map((path) => window.store.get(path))),
            listed: (await window.store.enum('**', { select: 'keys' })).items,
            integers: (
              await Promise.all(['big', 'small', 'counter'].map((path) => window.store.get(path)))
            ).map(String),
            odd: await window.store.get('odd'),
          }
        }, paths)
      const here = await read(writer)
      expect(here.found).toEqual([0, 1, 2, 3, 4])
      expect(here.integers).toEqual([`${2n ** 60n + 1n}`, `${-(2n ** 60n)}`, `${2n ** 53n + 1n}`])
      expect(here.odd).toEqual({ null: null, empty: '', list: [], float: 6.02e23, yes: true })
      expect(await read(reader)).toEqual(here)
      expect((await readLog(world.server)).length).toBeGreaterThan(0)
    },
  },
]

const bytesOf = (tab: Tab, path: string) =>
  tab.run(async (path) => new TextEncoder().encode((await window.store.get<string>(path)) ?? '').length, path)

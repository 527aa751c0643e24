import { expect, it } from 'vitest'
import { systemClock } from './clock.js'
import { openCatalog } from './sqlite/catalog-file.js'
import { createSqliteEngine } from './sqlite/store-file.js'
import type { StorageEngine } from './storage.js'
import { createStoreHub } from './store-hub.js'
import { withTempDir } from './testing/temp-dir.js'

/** The embedded engine, and which stores it has open. */
function countingEngine(dataDir: string): { engine: StorageEngine; open: Set<string> } {
  const open = new Set<string>()
  const embedded = createSqliteEngine({ dataDir })
  const engine: StorageEngine = {
    open(org, name) {
      const storage = embedded.open(org, name)
      open.add(name)
      return {
        ...storage,
        close() {
          open.delete(name)
          storage.close()
        },
      }
    },
  }
  return { engine, open }
}

it('of many stores, those that somebody follows stay open, and the last used', async () => {
  await withTempDir((dataDir) => {
    const { engine, open } = countingEngine(dataDir)
    const catalog = openCatalog(dataDir)
    const hub = createStoreHub({ catalog, engine, clock: systemClock })
    const records = Array.from({ length: 200 }, (_, i) => hub.create(`acme/s${i}`))
    const [followed, waiting, ...rest] = records.map((record) => () => hub.open(record))
    const off = followed?.().follow({ deliver() {}, cursor: () => 0 })
    const settled: boolean[] = []
    waiting?.().sequencer.submit(
      (session) => session.append({ op: 'set', path: 'a', value: 1 }, { deviceId: 'd', clientOpId: 'o' }),
      ({ ok }) => settled.push(ok),
    )
    for (const openOne of rest) openOne()
    expect(open.has('s0')).toBe(true)
    expect(open.size).toBeLessThan(70)
    expect(open.has('s199')).toBe(true)

    expect(settled, 'what waited was committed').toEqual([true])
    expect(waiting?.().sequencer.head()).toBe(1)
    off?.()
    for (const openOne of rest) openOne()
    expect(open.has('s0')).toBe(false)
    hub.close()
    expect(open.size).toBe(0)
    catalog.close()
  })
})

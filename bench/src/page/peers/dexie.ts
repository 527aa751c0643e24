import { Dexie, liveQuery, type Table } from 'dexie'
import type { Peer } from './peer.js'

interface Row {
  readonly key: string
  readonly value: string
}

export async function openDexie(durability: 'default' | 'strict'): Promise<Peer> {
  const database = new Dexie(`bench-dexie-${durability}`, { chromeTransactionDurability: durability })
  database.version(1).stores({ rows: 'key' })
  await database.open()
  const rows: Table<Row, string> = database.table('rows')

  return {
    put: async (key, value) => void (await rows.put({ key, value })),
    putAll: async (entries) => void (await rows.bulkPut(entries.map(([key, value]) => ({ key, value })))),
    get: async (key) => (await rows.get(key))?.value,
    getAll: async (keys) => (await rows.bulkGet([...keys])).map((row) => row?.value),
    list: async (prefix) => {
      const found = await rows.where('key').between(`${prefix}/`, `${prefix}0`, true, false).toArray()
      return found.map(({ key, value }) => [key, value] as const)
    },
    watch: async (key, callback) => {
      const subscription = liveQuery(() => rows.get(key)).subscribe((row) => {
        if (row) callback(row.value)
      })
      return () => subscription.unsubscribe()
    },
    settled: async () => {},
    close: async () => database.close(),
  }
}

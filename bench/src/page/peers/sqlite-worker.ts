import { expose } from 'comlink'
import type { Entries } from './peer.js'
import { openPool, PRAGMAS } from './sqlite-pool.js'

/** What a careful author would write by hand: one table, prepared statements, one commit a call. */
async function openDatabase() {
  const { pool } = await openPool('bench-sqlite')
  const db = new pool.OpfsSAHPoolDb('/bench.db')
  db.exec(PRAGMAS)
  db.exec('create table if not exists kv (key text primary key, value text not null) without rowid')
  const insert = db.prepare(
    'insert into kv values (?, ?) on conflict (key) do update set value = excluded.value',
  )
  const one = db.prepare('select value from kv where key = ?')
  const below = db.prepare('select key, value from kv where key >= ? and key < ? order by key')

  const put = (key: string, value: string): void => {
    insert.bind([key, value]).stepReset()
  }
  const get = (key: string): string | undefined => {
    one.bind([key])
    const value = one.step() ? one.getString(0) : undefined
    one.reset()
    return value ?? undefined
  }
  return {
    put,
    get,
    putAll: (entries: Entries): void =>
      db.transaction(() => {
        for (const [key, value] of entries) put(key, value)
      }),
    getAll: (keys: readonly string[]) => keys.map(get),
    list(prefix: string): Entries {
      below.bind([`${prefix}/`, `${prefix}0`])
      const rows: (readonly [string, string])[] = []
      while (below.step()) rows.push([below.getString(0) ?? '', below.getString(1) ?? ''])
      below.reset()
      return rows
    },
  }
}

export type RawDatabase = Awaited<ReturnType<typeof openDatabase>>

// Calls made before the database is open wait for it.
const database = openDatabase()
expose({
  put: async (key: string, value: string) => (await database).put(key, value),
  get: async (key: string) => (await database).get(key),
  putAll: async (entries: Entries) => (await database).putAll(entries),
  getAll: async (keys: readonly string[]) => (await database).getAll(keys),
  list: async (prefix: string) => (await database).list(prefix),
})

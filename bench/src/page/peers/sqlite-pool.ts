import sqlite3InitModule, { type SAHPoolUtil, type Sqlite3Static } from '@sqlite.org/sqlite-wasm'

/** Every raw database of the bench: the VFS and the pragmas that Dust uses itself. */
export async function openPool(name: string): Promise<{ sqlite3: Sqlite3Static; pool: SAHPoolUtil }> {
  Object.assign(globalThis, {
    sqlite3ApiConfig: { disable: { vfs: { opfs: true, 'opfs-wl': true, kvvfs: true } } },
  })
  const sqlite3 = await sqlite3InitModule()
  const pool = await sqlite3.installOpfsSAHPoolVfs({ name, directory: `/${name}`, initialCapacity: 12 })
  return { sqlite3, pool }
}

export const PRAGMAS = 'pragma locking_mode=exclusive; pragma journal_mode=wal; pragma synchronous=full;'

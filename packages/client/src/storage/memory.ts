import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import type { Rung } from './ladder.js'
import { createWasmDriver } from './wasm-driver.js'

/** The last rung: SQLite in the worker's memory. Everything is gone when the leading tab is. */
export function memoryRung(sqlite3: Sqlite3Static): Rung {
  return {
    name: 'memory',
    open: async () => ({
      kind: 'memory',
      names: () => [],
      open: async () => ({
        driver: createWasmDriver(sqlite3, new sqlite3.oo1.DB(':memory:')),
        unclean: false,
        durable: () => null,
      }),
      openDamaged: async () => createWasmDriver(sqlite3, new sqlite3.oo1.DB(':memory:')),
      remove: async () => undefined,
      makeRoom: () => false,
      roomy: true,
      present: async () => true,
      close: async () => undefined,
      abandon: () => undefined,
    }),
  }
}

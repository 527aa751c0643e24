import { createRequire } from 'node:module'
import { expect, test, vi } from 'vitest'
import { createSqliteLoader, loadSqlite } from './sqlite-module.js'

test('a load that fails is tried again at the next call, one that succeeds is not', async () => {
  const there = createRequire(import.meta.url).resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')
  let served = false
  let loads = 0
  // The module itself says on the console, too, what it throws.
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const load = createSqliteLoader(() => {
    loads += 1
    return loadSqlite(served ? there : '/not/there.wasm')
  })
  await expect(Promise.all([load(), load()])).rejects.toMatchObject({ code: 'unavailable' })
  expect(loads).toBe(1)
  served = true
  const sqlite3 = await load()
  expect(await load()).toBe(sqlite3)
  expect(loads).toBe(2)
  expect(new sqlite3.oo1.DB(':memory:').selectValue('select 1')).toBe(1)
  said.mockRestore()
})

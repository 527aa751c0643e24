import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import { openSchema, SCHEMA_VERSION } from './schema.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { openForTest } from './testing/open-for-test.js'

const VERSION_1 = readFileSync(new URL('./testing/fixtures/version-1.sql', import.meta.url), 'utf8')

function version1(): SqliteDriver {
  const driver = openBetterSqlite()
  driver.exec(VERSION_1)
  return driver
}

const everything = (driver: SqliteDriver) => {
  const tables = driver.all("select name, sql from sqlite_schema where type = 'table' order by name")
  const rows = tables.map(([name]) => driver.all(`select * from ${String(name)}`))
  return { version: driver.all('pragma user_version'), tables, rows }
}

/** Fails in the middle of the n-th text that is executed, as when the process dies there. */
function failingAt(driver: SqliteDriver, statement: number): SqliteDriver {
  let executed = 0
  return {
    ...driver,
    exec(sql) {
      for (const single of sql.split(';').filter((text) => text.trim() !== '')) {
        if (executed++ === statement) throw new Error('interrupted')
        driver.exec(single)
      }
    },
  }
}

describe('a database of version 1', () => {
  it('is brought up to date with all that is in it', () => {
    const driver = version1()
    const { replica } = openForTest(driver)
    expect(driver.all('pragma user_version')).toEqual([[SCHEMA_VERSION]])
    expect(replica.sync.cursor()).toBe(6)
    expect(replica.get('big')).toBe(2n ** 60n)
    expect(replica.get('a~1b/ü')).toBe('odd path')
    expect(replica.get('users/alice')).toEqual({
      name: 'Alice B',
      age: 41,
      tags: ['x', 'y'],
      roles: ['admin'],
    })
    expect([replica.get('visits'), replica.get('acked'), replica.get('fresh')]).toEqual([15, true, null])
    expect(replica.sync.outbox(0, 99)).toMatchObject([
      { opId: 'op-1', waitsFor: null, acked: false, batch: null },
      { opId: 'op-2', waitsFor: 'op-1', acked: false, payload: { if_match: 1 } },
      { opId: 'op-3', acked: true },
      { opId: 'op-4', payload: { if_absent: true, value: null } },
      { opId: 'op-5', payload: { op: 'increment', value: 2 } },
      { opId: 'op-6', payload: { op: 'delete' } },
    ])
    expect(replica.verdict('op-settled')).toEqual({ state: 'committed', revision: 6 })
    expect(replica.verdict('op-refused')).toMatchObject({
      state: 'rejected',
      error: { code: 'limit_exceeded' },
    })
    expect([replica.rejections(), replica.sync.staging(), replica.sync.server()]).toEqual([
      [],
      null,
      { incarnation: null, extensions: [] },
    ])
    expect(replica.check()).toMatchObject({ ok: true, problemCount: 0, entries: 7, pending: 6 })
  })

  it('goes on from there: pending ops are settled as if nothing had happened', () => {
    const { replica, echo } = openForTest(version1())
    echo('set', 'users/alice/name', 'Alice', 'op-1')
    expect(replica.sync.outbox(0, 1)).toMatchObject([
      { opId: 'op-2', payload: { if_match: 7 }, waitsFor: null },
    ])
  })

  it('is as it was when the change is interrupted, wherever that happens', () => {
    const before = everything(version1())
    let statement = 0
    for (; ; statement++) {
      const driver = version1()
      try {
        openSchema(failingAt(driver, statement), 'o/s')
        break
      } catch (error) {
        expect(error).toMatchObject({ message: 'interrupted' })
        expect(everything(driver)).toEqual(before)
      }
      openSchema(driver, 'o/s')
      expect(openForTest(driver).replica.check()).toMatchObject({ problemCount: 0, pending: 6 })
    }
    expect(statement).toBeGreaterThan(8)
  })
})

it('a new database has the same tables as one that has been brought up to date', () => {
  const [fresh, migrated] = [openBetterSqlite(), version1()]
  openSchema(fresh, 'o/s')
  openSchema(migrated, 'o/s')
  const columns = (driver: SqliteDriver) =>
    ['entries', 'outbox', 'settled', 'meta', 'replaced', 'rejections', 'staged'].map((table) => [
      table,
      driver.all('select name, type, "notnull", dflt_value, pk from pragma_table_info(?)', [table]),
    ])
  expect(columns(migrated)).toEqual(columns(fresh))
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import { openSchema, SCHEMA_VERSION } from './schema.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { openForTest } from './testing/open-for-test.js'

const TEXTS = [1, 2].map((version) =>
  readFileSync(new URL(`./testing/fixtures/version-${version}.sql`, import.meta.url), 'utf8'),
)

function ofVersion(version: number): SqliteDriver {
  const driver = openBetterSqlite()
  driver.exec(TEXTS[version - 1] ?? '')
  return driver
}

const version1 = (): SqliteDriver => ofVersion(1)

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
})

describe('a database of version 2', () => {
  it('is brought up to date with all that is in it', () => {
    const { replica } = openForTest(ofVersion(2))
    expect(replica.get('users/alice')).toEqual({ name: 'Alice B', roles: ['admin'] })
    expect(replica.get('draft')).toBe('ab')
    expect(replica.sync.outbox(0, 99)).toMatchObject([
      { opId: 'op-1' },
      { opId: 'op-2' },
      { opId: 'op-3', waitsFor: 'op-2' },
      { opId: 'op-4', payload: { if_absent: true } },
      { opId: 'op-5', payload: { fence: { key: 'locks/a', token: 7 } } },
      { opId: 'op-6', batch: { id: 'b-1', size: 2, separate: false } },
      { opId: 'op-7', batch: { id: 'b-1' } },
    ])
    expect(replica.verdict('op-0')).toEqual({ state: 'pending' })
    expect(replica.verdict('op-settled')).toEqual({ state: 'committed', revision: 6 })
    expect(replica.rejections()).toMatchObject([{ opId: 'op-refused', value: [1] }])
    expect(replica.sync.server()).toEqual({ incarnation: 'inc-1', extensions: ['batch', 'leases'] })
    expect(replica.sync.staging()).toMatchObject({ seq: 9, after: 'big' })
    expect(replica.check()).toMatchObject({ ok: true, problemCount: 0, entries: 6, pending: 7 })
  })
})

it.each([1, 2])(
  'version %i is as it was when the change is interrupted, wherever that happens',
  (version) => {
    const before = everything(ofVersion(version))
    let statement = 0
    for (; ; statement++) {
      const driver = ofVersion(version)
      try {
        openSchema(failingAt(driver, statement), 'o/s')
        break
      } catch (error) {
        expect(error).toMatchObject({ message: 'interrupted' })
        expect(everything(driver)).toEqual(before)
      }
      openSchema(driver, 'o/s')
      expect(openForTest(driver).replica.check()).toMatchObject({ problemCount: 0 })
    }
    expect(statement).toBeGreaterThan(1)
  },
)

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

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import { SCHEMA_VERSION } from './schema.js'
import { schemaFault, shapeOf } from './schema-shape.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { openForTest } from './testing/open-for-test.js'

function ofVersion(version: number): SqliteDriver {
  const driver = openBetterSqlite()
  driver.exec(readFileSync(new URL(`./testing/fixtures/version-${version}.sql`, import.meta.url), 'utf8'))
  return driver
}

const EARLIER = Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => i + 1)

describe('the shape of a database', () => {
  it('is known of each version, also after a swap of the staged state', () => {
    for (const version of EARLIER) expect(schemaFault(ofVersion(version))).toBeUndefined()
    const { driver, replica } = openForTest(ofVersion(1))
    expect(schemaFault(driver)).toBeUndefined()
    replica.sync.applySnapshot(9, [{ path: 'a', value: 1, type: 'integer', seq: 9 }])
    expect(schemaFault(driver)).toBeUndefined()
  })

  it('is another one in each version', () => {
    const shapes = [...EARLIER.map(ofVersion), openForTest().driver].map((driver) =>
      JSON.stringify([...shapeOf(driver)]),
    )
    expect(new Set(shapes).size).toBe(shapes.length)
  })

  it.each([0, 1, 2, 4, 250, 2 ** 24 + 3, -1])(
    'shows that the version %i is not what was written',
    (version) => {
      const { driver } = openForTest()
      driver.exec(`pragma user_version = ${version}`)
      expect(schemaFault(driver)).toBeDefined()
    },
  )

  it.each([
    ['drop table outbox', 'the table outbox is missing'],
    ['alter table outbox rename to outbix', 'the table outbox is missing'],
    ['alter table meta rename column cursor to cursos', 'the table meta has other columns'],
    ['create table t (a)', 'there is a table t'],
  ])('tells of: %s', (sql, fault) => {
    const { driver } = openForTest()
    driver.exec(sql)
    expect(schemaFault(driver)).toBe(fault)
  })

  it('of a newer version may be any other', () => {
    const { driver } = openForTest()
    driver.exec(`alter table outbox add column more text; pragma user_version = ${SCHEMA_VERSION + 1}`)
    expect(schemaFault(driver)).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { DamagedRowError } from './damage.js'
import type { SqliteDriver } from './driver.js'
import type { Replica } from './replica.js'
import { restoreReplica, salvageReplica } from './rescue.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { eventPayload, openForTest } from './testing/open-for-test.js'

/** Five pending ops and two confirmed entries; `told` is what the driver hears. */
function filled(): { driver: SqliteDriver; told: Error[] } {
  const told: Error[] = []
  const driver = { ...openBetterSqlite(), onDamage: (error: Error) => void told.push(error) }
  const { replica, event } = openForTest(driver)
  event('set', 'theirs/a', 'x')
  event('set', 'theirs/b', 'y')
  for (let i = 1; i <= 5; i++) replica.write({ op: 'set', path: `own/${i}`, value: i, opId: `op${i}` })
  return { driver, told }
}

const opIds = (driver: SqliteDriver) => driver.all('select op_id from outbox order by position').flat()

describe('a row that was never written shows when the replica is opened', () => {
  it.each([
    [`update outbox set value = '{"a' where position = 3`],
    [`update outbox set value = cast('3' as blob) where position = 3`],
    [`update outbox set op = 'sut' where position = 3`],
    [`update outbox set path = '/' where position = 3`],
    [`update outbox set fence = 'x' where position = 3`],
    [`update outbox set acked_seq = 'x' where position = 3`],
    [`update outbox set issued_at = 'x' where position = 3`],
    [`update outbox set path = 'own/8' where position = 3`],
    [`update outbox set value = '4' where position = 3`],
    [`update outbox set if_absent = 1 where position = 3`],
    [`update outbox set sum = 7 where position = 3`],
    [`update outbox set op_id = 'op2' where position = 3`],
    [`update outbox set position = ${2 ** 52} where position = 3`],
  ])('%s, and only that one is lost', (sql) => {
    const { driver, told } = filled()
    driver.exec(sql)
    expect(() => openForTest(driver)).toThrow(DamagedRowError)
    expect(told).toHaveLength(1)
    const salvage = salvageReplica(driver)
    expect(salvage.complete).toBe(false)
    const fresh = openBetterSqlite()
    restoreReplica(fresh, 'o/s', [salvage])
    expect(opIds(fresh)).toEqual(['op1', 'op2', 'op4', 'op5'])
    expect(openForTest(fresh).replica.check()).toMatchObject({ problemCount: 0 })
  })

  it.each([
    [`update meta set extensions = '['`],
    [`update meta set extensions = '{}'`],
    [`update meta set cursor = 'q'`],
    [`update meta set cursor = -5`],
    [`update meta set incarnation = cast('x' as blob)`],
    [`update meta set staged_seq = 'q'`],
    [`delete from meta`],
    [`insert into replaced values (3, cast('x' as blob))`],
  ])('%s, and no pending op is lost', (sql) => {
    const { driver } = filled()
    driver.exec(sql)
    expect(() => openForTest(driver)).toThrow(DamagedRowError)
    const fresh = openBetterSqlite()
    restoreReplica(fresh, 'o/s', [salvageReplica(driver)])
    expect(opIds(fresh)).toEqual(['op1', 'op2', 'op3', 'op4', 'op5'])
    expect(openForTest(fresh).replica.sync.cursor()).toBe(0)
  })
})

describe('a row that was never written shows when it is read', () => {
  const readAll = (replica: Replica): unknown => replica.read('theirs')
  it.each<[sql: string, read: (replica: Replica) => unknown]>([
    [`update entries set value = '{"' where path = 'theirs/a'`, readAll],
    [`update entries set value = '{"' where path = 'theirs/a'`, (replica) => replica.get('theirs/a')],
    [`update entries set value = '{"' where path = 'theirs/a'`, (replica) => replica.export()],
    [`update entries set value = x'00' where path = 'theirs/a'`, readAll],
    [`update entries set type = x'00' where path = 'theirs/a'`, (replica) => replica.read('theirs/a')],
    [`update entries set seq = 'x' where path = 'theirs/a'`, (replica) => replica.entry('theirs/a')],
    [`insert into settled values (9, 'r', 1, '{')`, (replica) => replica.verdict('r')],
    [`insert into settled values (9, 'r', 1, '[]')`, (replica) => replica.verdict('r')],
    [
      `insert into rejections values (9, 'r', 'set', 'p', '1', null, 0, null, null, 1, 1, '{', null)`,
      (replica) => replica.rejections(),
    ],
    [
      `insert into rejections values (9, 'r', 'set', 'p', '{', null, 0, null, null, 1, 1, '{"code":"x"}', null)`,
      (replica) => replica.rejections(),
    ],
  ])('%s: %s', (sql, read) => {
    const { driver, told } = filled()
    driver.exec(sql)
    const { replica } = openForTest(driver)
    expect(() => read(replica)).toThrow(DamagedRowError)
    expect(told[0]).toBeInstanceOf(DamagedRowError)
  })

  it('in a snapshot that is compared with what is there', () => {
    const { driver, told } = filled()
    const { replica } = openForTest(driver)
    replica.sync.stageBegin(7, null)
    replica.sync.stageEntries([{ path: 'theirs/a', value: 'z', type: 'string', seq: 7 }], null)
    driver.exec(`update staged set value = '{'`)
    expect(() => replica.sync.stageFinish(7, { reset: false })).toThrow(DamagedRowError)
    expect(told.length).toBeGreaterThan(0)
  })
})

it('what is not a row does not count as damage', () => {
  const { driver, told } = filled()
  const { replica } = openForTest(driver)
  expect(() => replica.sync.applyEvents([eventPayload(9, 'set', 'a', 1)], { catchUp: false })).toThrow()
  expect(told).toEqual([])
})

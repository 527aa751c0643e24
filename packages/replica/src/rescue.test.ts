import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RejectedError } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import type { LocalOp } from './local-op.js'
import { adoptSalvage, restoreReplica, salvageReplica } from './rescue.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { openForTest } from './testing/open-for-test.js'

const put = (opId: string, path: string, value: string): LocalOp => ({ op: 'set', path, value, opId })

/** A replica with entries of the server's, pending ops and a refused one. */
function fill(driver: SqliteDriver, pending: number): void {
  const { replica, event } = openForTest(driver)
  replica.sync.setServer({ incarnation: 'i1', extensions: ['batch'] })
  event('set', 'theirs', 'x')
  replica.write(put('refused', 'no', 'no'))
  replica.sync.reject('refused', new RejectedError('limit_exceeded', 'no'))
  for (let i = 0; i < pending; i++) replica.write(put(`op${i}`, `own/${i}`, `${i} `.repeat(100)))
}

const opIds = (driver: SqliteDriver) => driver.all('select op_id from outbox order by position').flat()

describe('what no server can give back', () => {
  it('is read from a sound database and makes an empty one a replica', () => {
    const [from, to] = [openBetterSqlite(), openBetterSqlite()]
    fill(from, 3)
    const salvage = salvageReplica(from)
    expect(salvage.complete).toBe(true)
    expect(restoreReplica(to, 'o/s', [salvage])).toEqual({ count: 4 })
    const { replica } = openForTest(to)
    expect(replica.sync.cursor()).toBe(0)
    expect(replica.sync.server()).toEqual({ incarnation: 'i1', extensions: ['batch'] })
    expect(replica.get('theirs')).toBeUndefined()
    expect(replica.get('own/1')).toBe('1 '.repeat(100))
    expect(replica.rejections().map(({ opId }) => opId)).toEqual(['refused'])
    expect(replica.verdict('refused')?.state).toBe('rejected')
    expect(replica.check()).toMatchObject({ ok: true, pending: 3 })
  })

  it('of two databases is one outbox, without doubles, the second behind the first', () => {
    const [a, b, to] = [openBetterSqlite(), openBetterSqlite(), openBetterSqlite()]
    fill(a, 2)
    fill(b, 2)
    openForTest(b).replica.write(put('later', 'later', 'x'))
    restoreReplica(to, 'o/s', [salvageReplica(a), salvageReplica(b)])
    expect(opIds(to)).toEqual(['op0', 'op1', 'later'])
    expect(openForTest(to).replica.check()).toMatchObject({ ok: true, problemCount: 0 })
  })

  it('joins what a replica has, but for what was settled there', () => {
    const [from, to] = [openBetterSqlite(), openBetterSqlite()]
    fill(from, 2)
    const { replica, echo } = openForTest(to)
    replica.write(put('here', 'here', 'x'))
    replica.write(put('op0', 'own/0', 'x'))
    echo('set', 'own/0', 'x', 'op0')
    adoptSalvage(to, 'o/s', salvageReplica(from))
    adoptSalvage(to, 'o/s', salvageReplica(from))
    expect(opIds(to)).toEqual(['here', 'op1'])
    const again = openForTest(to).replica
    expect(again.sync.cursor()).toBe(1)
    expect(again.rejections().map(({ opId }) => opId)).toEqual(['refused'])
    expect(again.check()).toMatchObject({ ok: true, problemCount: 0 })
  })

  it('is nothing in an empty database, which is no loss', () => {
    expect(salvageReplica(openBetterSqlite())).toMatchObject({ complete: true, tables: { outbox: [] } })
  })

  it.each(['outbox', 'replaced', 'rejections'])('is not complete without the table %s', (table) => {
    const driver = openBetterSqlite()
    fill(driver, 3)
    driver.exec(`drop table ${table}`)
    const { complete, tables } = salvageReplica(driver)
    expect(complete).toBe(false)
    expect(tables.outbox).toHaveLength(table === 'outbox' ? 0 : 3)
  })

  it('is found in a table or a column whose name is damaged', () => {
    const driver = openBetterSqlite()
    fill(driver, 3)
    driver.exec('alter table outbox rename to outbpx; alter table rejections rename column op_id to op_ie')
    const { complete, tables } = salvageReplica(driver)
    expect(complete).toBe(true)
    expect(tables.outbox.map((row) => row.op_id)).toEqual(['op0', 'op1', 'op2'])
    expect(tables.rejections.map((row) => row.op_id)).toEqual(['refused'])
  })

  it('is read from a database of version 1', () => {
    const from = openBetterSqlite()
    from.exec(readFileSync(new URL('./testing/fixtures/version-1.sql', import.meta.url), 'utf8'))
    const to = openBetterSqlite()
    restoreReplica(to, 'o/s', [salvageReplica(from)])
    expect(opIds(to)).toEqual(opIds(from))
    expect(opIds(to).length).toBeGreaterThan(0)
  })
})

describe('a damaged file', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'dust-rescue-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  /** Fills a file, overwrites one of its pages after another, and salvages each time. */
  it('gives the rows on both sides of an unreadable page, and never a row that was not written', () => {
    const file = join(directory, 'replica.db')
    const driver = openBetterSqlite(file)
    fill(driver, 200)
    driver.all('pragma wal_checkpoint(truncate)')
    const pageSize = Number(driver.all('pragma page_size')[0]?.[0])
    driver.close()
    const sound = readFileSync(file)
    const written = new Set(Array.from({ length: 200 }, (_, i) => `op${i}`))
    let partial = 0
    for (let page = 0; page < sound.length / pageSize; page++) {
      const bytes = Buffer.from(sound)
      bytes.fill(0x5a, page * pageSize, (page + 1) * pageSize)
      writeFileSync(file, bytes)
      const damaged = openBetterSqliteOrNothing(file)
      if (!damaged) continue
      const { tables, complete } = salvageReplica(damaged)
      damaged.close()
      for (const row of tables.outbox) expect(written).toContain(row.op_id)
      if (tables.outbox.length < 200 || tables.rejections.length < 1) expect(complete).toBe(false)
      if (tables.outbox.length > 0 && tables.outbox.length < 200) partial += 1
      const fresh = openBetterSqlite()
      restoreReplica(fresh, 'o/s', [{ tables, complete }])
      expect(openForTest(fresh).replica.pending().count).toBe(tables.outbox.length)
      fresh.close()
    }
    expect(partial).toBeGreaterThan(0)
  })
})

function openBetterSqliteOrNothing(file: string): SqliteDriver | undefined {
  try {
    return openBetterSqlite(file)
  } catch {
    return undefined
  }
}

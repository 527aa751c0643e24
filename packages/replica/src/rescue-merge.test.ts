import { RejectedError } from '@dustlayer/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import type { LocalOp } from './local-op.js'
import { preciousPositions, readPrecious, rowsOfSheets } from './precious.js'
import { restoreReplica, type Salvage, salvageReplica, salvageRows } from './rescue.js'
import { mergeSalvages } from './rescue-merge.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { openForTest } from './testing/open-for-test.js'

const put = (opId: string, path = opId, value = 1): LocalOp => ({ op: 'set', path, value, opId })

/** A second copy of what a database has now. */
const copyOf = (driver: SqliteDriver): Salvage => salvageRows(rowsOfSheets(sheetsOf(driver)), false)

const sheetsOf = (driver: SqliteDriver) =>
  (['outbox', 'rejections'] as const).flatMap((table) => readPrecious(driver, table, 0, 1_000) ?? [])

/** A salvage of which only some rows could be read. */
const part = (salvage: Salvage, keep: (table: string, position: number) => boolean): Salvage => ({
  complete: false,
  tables: Object.fromEntries(
    Object.entries(salvage.tables).map(([table, rows]) => [
      table,
      rows.filter(({ position }) => keep(table, Number(position))),
    ]),
    // The same tables.
  ) as unknown as Salvage['tables'],
})

function restored(salvage: Salvage) {
  const driver = openBetterSqlite()
  restoreReplica(driver, 'o/s', [salvage])
  const { replica } = openForTest(driver)
  expect(replica.check()).toMatchObject({ ok: true, problemCount: 0 })
  return replica
}

const idsIn = (salvage: Salvage) =>
  restored(salvage)
    .export()
    .outbox.map(({ opId }) => opId)

describe('a database and its copy together', () => {
  it('are one outbox in its order', () => {
    const { driver, replica } = openForTest()
    for (let i = 0; i < 6; i++) replica.write(put(`op${i}`))
    const copy = copyOf(driver)
    const readable = part(salvageReplica(driver), (_, position) => position === 2 || position === 5)
    expect(idsIn(mergeSalvages(readable, copy))).toEqual(['op0', 'op1', 'op2', 'op3', 'op4', 'op5'])
  })

  it('have no op that is known as settled, nor a part of a batch that is sent as the batch', () => {
    const { driver, replica } = openForTest()
    replica.writeBatch({ id: 'batch', ops: [put('b0'), put('b1'), put('b2')], separate: false })
    const copy = copyOf(driver)
    replica.sync.ack('b1', null)
    const merged = mergeSalvages(
      part(salvageReplica(driver), (table) => table === 'settled'),
      copy,
    )
    const ops = restored(merged).sync.outbox(0, 10)
    expect(ops.map(({ opId, batch }) => [opId, batch])).toEqual([
      ['b0', null],
      ['b2', null],
    ])
  })

  it('I5: an op whose base was settled meanwhile matches the revision that this has', () => {
    const { driver, replica, echo } = openForTest()
    replica.write(put('base', 'x'))
    const ifMatch = replica.entry('x')?.revision ?? 0
    replica.write({ ...put('later', 'x', 2), ifMatch })
    const copy = copyOf(driver)
    echo('set', 'x', 1, 'base')
    const merged = mergeSalvages(
      part(salvageReplica(driver), (table) => table === 'settled'),
      copy,
    )
    expect(restored(merged).sync.outbox(0, 10)).toMatchObject([
      { opId: 'later', waitsFor: null, payload: { if_match: 1 } },
    ])
  })

  it('have one op in each place, the later one, which answers for those before', () => {
    const { driver, replica } = openForTest()
    replica.write(put('first', 'text', 1))
    const before = salvageReplica(driver)
    const earlier = copyOf(driver)
    replica.write(put('second', 'text', 2))
    const later = copyOf(driver)
    const now = part(salvageReplica(driver), (table) => table === 'outbox')
    for (const merged of [
      mergeSalvages(now, earlier),
      mergeSalvages(
        part(before, () => true),
        later,
      ),
    ]) {
      const outcome = restored(merged)
      expect(outcome.export().outbox.map(({ opId }) => opId)).toEqual(['second'])
      expect(outcome.get('text')).toBe(2)
      expect(outcome.verdict('first')).toEqual({ state: 'pending' })
    }
  })
})

it('whatever part of a database can be read, its copy gives all that is pending, in order, and nothing else', () => {
  const action = fc.constantFrom('put', 'type', 'batch', 'settle', 'refuse')
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 25 }),
      fc.array(action, { maxLength: 6 }),
      fc.func(fc.boolean()),
      (before, after, readable) => {
        const { driver, replica } = openForTest()
        let ids = 0
        const act = (name: string): void => {
          const id = `op${ids++}`
          const oldest = replica.export().outbox[0]?.opId ?? ''
          if (name === 'put') replica.write({ ...put(id), ifAbsent: true })
          if (name === 'type') replica.write(put(id, 'text', ids))
          if (name === 'batch')
            replica.writeBatch({ id, ops: [put(`${id}a`), put(`${id}b`)], separate: true })
          if (name === 'settle') replica.sync.ack(oldest, null)
          if (name === 'refuse') replica.sync.reject(oldest, new RejectedError('limit_exceeded', 'no'))
        }
        for (const name of before) act(name)
        const copy = copyOf(driver)
        for (const name of after) act(name)
        const whole = salvageReplica(driver)
        const all = replica.export().outbox.map(({ opId }) => opId)
        const copied = new Set(copy.tables.outbox.map(({ op_id }) => op_id))
        // What is settled can be read; of the rest, some.
        const main = part(whole, (table, position) => table === 'settled' || readable(table, position))
        const found = idsIn(mergeSalvages(main, copy))
        const order = found.map((opId) => Number.parseInt(opId.slice(2), 10))
        expect(order).toEqual(order.toSorted((a, b) => a - b))
        expect(new Set(found).size).toBe(found.length)
        for (const opId of all) if (copied.has(opId)) expect(found).toContain(opId)
        const replaced = new Set(whole.tables.replaced.map(({ op_id }) => op_id))
        for (const opId of found) if (!replaced.has(opId)) expect(all).toContain(opId)
      },
    ),
  )
})

it('the columns that are copied are all that there are', () => {
  const { driver, replica } = openForTest()
  replica.write(put('a', 'text'))
  replica.write(put('b', 'text'))
  replica.write(put('no'))
  replica.sync.reject('no', new RejectedError('limit_exceeded', 'no'))
  const rows = rowsOfSheets(sheetsOf(driver))
  for (const table of ['outbox', 'replaced', 'rejections'] as const) {
    const columns = driver.all(`select name from pragma_table_info('${table}')`).flat()
    expect(Object.keys(rows[table]?.[0] ?? {}).sort()).toEqual(columns.sort())
  }
  expect(preciousPositions(driver, 'outbox')).toEqual([1])
})

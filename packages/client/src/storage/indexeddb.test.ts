import { StorageError } from '@dustlayer/protocol'
import { driverSuite } from '@dustlayer/replica/testing'
import init from '@sqlite.org/sqlite-wasm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BlockDisk, createBlockDisk } from '../test-support/memory-blocks.js'
import { openBlocksForTest } from '../test-support/open-blocks.js'

const sqlite3 = await init()
const begin = (disk: BlockDisk) => openBlocksForTest(sqlite3, disk)
const soon = () => new Promise((resolve) => setImmediate(resolve))

describe('databases in blocks', () => {
  it.each(driverSuite)('$name', async ({ run }) => {
    const { files } = await begin(createBlockDisk())
    const { driver } = await files.open('db')
    run(driver)
    driver.close()
    await files.close()
  })

  it('are there in the next life, and go when they are removed', async () => {
    const disk = createBlockDisk()
    const first = await begin(disk)
    const { driver, durable } = await first.files.open('db')
    driver.exec('create table t (a)')
    driver.run('insert into t (a) values (?)', ['x'.repeat(50_000)])
    await durable()
    driver.close()
    await first.files.close()

    const second = await begin(disk)
    expect(second.files.names()).toEqual(['db'])
    const again = await second.files.open('db')
    expect(again.driver.all('select length(a) from t')).toEqual([[50_000]])
    expect(again.durable()).toBeNull()
    again.driver.run('delete from t')
    again.driver.exec('vacuum')
    await again.durable()
    again.driver.close()
    await second.files.remove('db')
    expect(disk.names()).toEqual([])
    await second.files.close()
  })

  it('store what several transactions of one turn changed at once, and nothing when nothing changed', async () => {
    const disk = createBlockDisk()
    const { files } = await begin(disk)
    const { driver, durable } = await files.open('db')
    driver.exec('create table t (a)')
    await durable()
    const before = disk.commits
    for (let i = 0; i < 10; i++) driver.run('insert into t (a) values (?)', [i])
    await durable()
    expect(disk.commits).toBe(before + 1)
    expect(durable()).toBeNull()
    driver.all('select * from t')
    await soon()
    expect(disk.commits).toBe(before + 1)
    driver.close()
  })

  it('who waits while a change is on its way waits for the next one, which holds all that came meanwhile', async () => {
    const disk = createBlockDisk()
    const { files } = await begin(disk)
    const { driver, durable } = await files.open('db')
    driver.exec('create table t (a)')
    await durable()
    disk.prompt = false
    const told: string[] = []
    driver.run('insert into t (a) values (1)')
    durable()?.then(() => told.push('first'))
    await soon()
    driver.run('insert into t (a) values (2)')
    durable()?.then(() => told.push('second'))
    await soon()
    expect(told).toEqual([])
    disk.arrive()
    await soon()
    expect(told).toEqual(['first'])
    disk.arrive()
    await soon()
    expect(told).toEqual(['first', 'second'])
    expect(disk.arrive()).toBe(false)
    driver.close()
  })

  it('a change that cannot be stored refuses the writes that wait for it, and those after it, with the error', async () => {
    const disk = createBlockDisk()
    const { files, faults } = await begin(disk)
    const { driver, durable } = await files.open('db')
    driver.exec('create table t (a)')
    await durable()
    disk.failure = 'full'
    driver.run('insert into t (a) values (1)')
    await expect(durable()).rejects.toThrow(StorageError)
    expect(faults.map(({ kind }) => kind)).toEqual(['unwritten'])
    disk.failure = undefined
    driver.run('insert into t (a) values (2)')
    await expect(durable()).rejects.toThrow(StorageError)
    driver.close()
    await files.close()
    const next = await begin(disk)
    expect((await next.files.open('db')).driver.all('select a from t')).toEqual([])
  })

  it('a change that nobody waits for is stored with a later one', async () => {
    const disk = createBlockDisk()
    const { files, faults } = await begin(disk)
    const { driver, durable } = await files.open('db')
    driver.exec('create table t (a)')
    await durable()
    disk.failure = 'full'
    driver.run('insert into t (a) values (1)')
    await soon()
    disk.failure = undefined
    driver.run('insert into t (a) values (2)')
    await durable()
    expect(faults).toEqual([])
    driver.close()
    const next = await begin(disk)
    expect((await next.files.open('db')).driver.all('select a from t order by a')).toEqual([[1], [2]])
  })
})

type Step =
  | { readonly kind: 'write'; readonly rows: number }
  | { readonly kind: 'turn' | 'arrive' | 'durable' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), rows: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constantFrom('turn' as const, 'arrive' as const, 'durable' as const) }),
)

it('killed at any moment, a database is the outcome of the first so many transactions, at least of the durable ones', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 25 }), { minLength: 1, maxLength: 4 }),
      async (lives) => {
        const disk = createBlockDisk()
        disk.prompt = false
        let transactions = 0
        let sure = 0
        for (const steps of lives) {
          const { files } = await begin(disk)
          const { driver, durable } = await files.open('db')
          driver.exec('create table if not exists t (a integer primary key, n integer, filler text)')
          transactions = count(driver.all('select n, count(*) from t group by n order by n'))
          expect(driver.all('pragma integrity_check')).toEqual([['ok']])
          expect(transactions).toBeGreaterThanOrEqual(sure)
          for (const action of steps) {
            if (action.kind === 'write') {
              const n = ++transactions
              driver.transaction(() => {
                for (let i = 0; i < action.rows; i++)
                  driver.run('insert into t (n, filler) values (?, ?)', [n, 'f'.repeat(300)])
                // Each transaction touches pages of those before it as well.
                driver.run("update t set filler = 'u' where n = ?", [Math.ceil(n / 2)])
                driver.run('insert into t (n, filler) values (?, ?)', [n, String(action.rows + 1)])
              })
            } else if (action.kind === 'arrive') disk.arrive()
            else if (action.kind === 'durable') {
              const at = transactions
              durable()?.then(() => {
                sure = Math.max(sure, at)
              })
            }
            if (action.kind === 'turn') await soon()
          }
          await soon()
          // The worker is gone; nothing of it runs on.
          disk.crash()
        }
      },
    ),
    { numRuns: 60 },
  )
})

/** The transactions that are there, which must be the first ones. */
function count(rows: readonly (readonly unknown[])[]): number {
  expect(rows.map(([n]) => n)).toEqual(Array.from({ length: rows.length }, (_, i) => i + 1))
  return rows.length
}

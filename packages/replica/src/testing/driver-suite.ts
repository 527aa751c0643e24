import type { SqliteDriver } from '../driver.js'

/** One case of the driver contract; throws when the driver breaks it. */
export interface DriverCase {
  readonly name: string
  run(driver: SqliteDriver): void
}

/**
 * The contract of {@link SqliteDriver} as cases without a test framework, so that the same ones run under Node
 * and inside a browser's worker. Each needs an empty database; the runner closes it.
 */
export const driverSuite: readonly DriverCase[] = [
  {
    name: 'rows are arrays in column order',
    run(driver) {
      driver.exec(
        "create table t (a text primary key, b integer) without rowid; insert into t values ('x', 1)",
      )
      driver.run('insert into t (a, b) values (?, ?)', ['y', null])
      equal(driver.all('select b, a from t order by a'), [
        [1, 'x'],
        [null, 'y'],
      ])
    },
  },
  {
    name: 'the same statement runs again with other parameters, also after a failure',
    run(driver) {
      driver.exec('create table t (a integer primary key)')
      const insert = 'insert into t (a) values (?)'
      driver.run(insert, [1])
      equal(
        throws(() => driver.run(insert, [1])),
        true,
      )
      driver.run(insert, [2])
      equal(driver.all('select a from t where a > ?', [0]), [[1], [2]])
      equal(driver.all('select a from t where a > ?', [1]), [[2]])
    },
  },
  {
    name: 'text, numbers, blobs and null come back as they went in',
    run(driver) {
      driver.exec('create table t (v)')
      const values = ['', 'é😀\0x', 0, -1.5, Number.MAX_SAFE_INTEGER, null]
      for (const value of values) driver.run('insert into t (v) values (?)', [value])
      equal(
        driver.all('select v from t order by rowid').map(([value]) => value),
        values,
      )
      driver.run('delete from t')
      driver.run('insert into t (v) values (?)', [new Uint8Array([0, 255])])
      equal(
        driver.all('select v from t').map(([blob]) => Array.from(blob as Uint8Array)),
        [[0, 255]],
      )
    },
  },
  {
    name: 'text sorts by UTF-8 bytes',
    run(driver) {
      driver.exec('create table t (a text primary key) without rowid')
      for (const text of ['😀', '￿', 'a/b', 'a-b', 'Z', 'a'])
        driver.run('insert into t (a) values (?)', [text])
      equal(driver.all('select a from t order by a').flat(), ['Z', 'a', 'a-b', 'a/b', '￿', '😀'])
    },
  },
  {
    name: 'statements follow when a table is dropped and another takes its name',
    run(driver) {
      driver.exec(
        'create table t (a integer primary key) without rowid; create table u (a integer primary key)',
      )
      const [insert, read] = ['insert into t (a) values (?)', 'select a from t order by a']
      driver.run(insert, [1])
      driver.run('insert into u (a) values (2)')
      equal(driver.all(read), [[1]])
      driver.transaction(() => driver.exec('drop table t; alter table u rename to t; create table u (a)'))
      driver.run(insert, [3])
      equal(driver.all(read), [[2], [3]])
    },
  },
  {
    name: 'a change of tables is part of its transaction',
    run(driver) {
      driver.exec('create table t (a)')
      const failing = () =>
        driver.transaction(() => {
          driver.exec('alter table t add column b; pragma user_version = 7')
          throw new Error('expected')
        })
      equal(throws(failing), true)
      equal(driver.all('select count(*) from pragma_table_info(?)', ['t']), [[1]])
      equal(driver.all('pragma user_version'), [[0]])
    },
  },
  {
    name: 'a transaction gives its result and commits',
    run(driver) {
      driver.exec('create table t (a)')
      equal(
        driver.transaction(() => {
          driver.run('insert into t (a) values (1)')
          return 'result'
        }),
        'result',
      )
      equal(driver.all('select count(*) from t'), [[1]])
    },
  },
  {
    name: 'a transaction that throws leaves nothing and rethrows, nested or not',
    run(driver) {
      driver.exec('create table t (a)')
      const failing = () =>
        driver.transaction(() => {
          driver.run('insert into t (a) values (1)')
          driver.transaction(() => driver.run('insert into t (a) values (2)'))
          throw new Error('expected')
        })
      equal(throws(failing), true)
      equal(driver.all('select count(*) from t'), [[0]])
      driver.transaction(() => driver.run('insert into t (a) values (3)'))
      equal(driver.all('select a from t'), [[3]])
    },
  },
]

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`expected ${b}, got ${a}`)
}

function throws(run: () => void): boolean {
  try {
    run()
    return false
  } catch {
    return true
  }
}

import Database from 'better-sqlite3'
import type { SqliteDriver, SqlValue } from '../driver.js'

/** The driver over better-sqlite3, for tests, simulations and benchmarks in Node. `:memory:` by default. */
export function openBetterSqlite(file = ':memory:'): SqliteDriver {
  const database = new Database(file)
  database.pragma('journal_mode = wal')
  const statements = new Map<string, Database.Statement<SqlValue[]>>()

  const prepare = (sql: string): Database.Statement<SqlValue[]> => {
    let statement = statements.get(sql)
    if (!statement) {
      statement = database.prepare<SqlValue[]>(sql)
      if (statement.reader) statement.raw(true)
      statements.set(sql, statement)
    }
    return statement
  }

  return {
    exec: (sql) => void database.exec(sql),
    run: (sql, params = []) => void prepare(sql).run(...params),
    // raw(true) makes rows arrays of column values.
    all: (sql, params = []) => prepare(sql).all(...params) as SqlValue[][],
    transaction<T>(body: () => T): T {
      return database.inTransaction ? body() : database.transaction(body).immediate()
    },
    close: () => void database.close(),
  }
}

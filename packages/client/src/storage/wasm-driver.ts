import type { SqliteDriver, SqlValue } from '@dustlayer/replica'
import type { Database, PreparedStatement, Sqlite3Static } from '@sqlite.org/sqlite-wasm'

/** The replica's door to a sqlite-wasm database. Statements are prepared once and kept. */
export function createWasmDriver(sqlite3: Sqlite3Static, db: Database): SqliteDriver {
  const statements = new Map<string, PreparedStatement>()
  const bind = createBinder(sqlite3)
  const readRow = createRowReader(sqlite3)
  let inTransaction = false

  const prepare = (sql: string): PreparedStatement => {
    const known = statements.get(sql)
    if (known) return known
    const statement = db.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  const using = <T>(
    sql: string,
    params: readonly SqlValue[] | undefined,
    work: (statement: PreparedStatement) => T,
  ): T => {
    const statement = prepare(sql)
    try {
      params?.forEach((value, i) => {
        bind(statement, i + 1, value)
      })
      return work(statement)
    } finally {
      // A statement that is not reset keeps its transaction open. Its error was thrown by `step` already.
      statement.resetNoThrow(true)
    }
  }

  const run: SqliteDriver['run'] = (sql, params) =>
    using(sql, params, (statement) => {
      while (statement.step());
    })

  const rollBack = (): void => {
    // After some failures, such as a full disk, SQLite has rolled back by itself.
    if (sqlite3.capi.sqlite3_get_autocommit(db) === 0) run('rollback')
  }

  return {
    exec: (sql) => {
      db.exec(sql)
    },
    run,
    all: (sql, params) =>
      using(sql, params, (statement) => {
        const rows: SqlValue[][] = []
        while (statement.step()) rows.push(readRow(statement))
        return rows
      }),
    transaction(body) {
      if (inTransaction) return body()
      run('begin immediate')
      inTransaction = true
      try {
        const result = body()
        run('commit')
        return result
      } catch (error) {
        rollBack()
        throw error
      } finally {
        inTransaction = false
      }
    },
    close() {
      for (const statement of statements.values()) statement.finalize()
      statements.clear()
      db.close()
    },
  }
}

/** `bind` of the library stores every whole number as a 64-bit integer, which cuts those beyond 2^63. */
function createBinder({ capi, SQLite3Error }: Sqlite3Static) {
  return (statement: PreparedStatement, index: number, value: SqlValue): void => {
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      const code = capi.sqlite3_bind_double(statement, index, value)
      if (code !== 0) throw new SQLite3Error(`Cannot bind parameter ${index} (code ${code})`)
    } else {
      statement.bind(index, value)
    }
  }
}

/** `get` of the library ends a text at its first NUL. Where lengths differ, the bytes are decoded instead. */
function createRowReader({ capi, wasm }: Sqlite3Static): (statement: PreparedStatement) => SqlValue[] {
  const decoder = new TextDecoder()

  const readText = (statement: PreparedStatement, column: number, text: string): string => {
    const length = capi.sqlite3_column_bytes(statement, column)
    if (length === text.length) return text
    const start = Number(capi.sqlite3_column_blob(statement, column))
    return decoder.decode(wasm.heap8u().subarray(start, start + length))
  }

  return (statement) => {
    const row: SqlValue[] = []
    for (let column = 0; column < statement.columnCount; column++) {
      // Reading gives number, bigint, string, null or Uint8Array; the wider type is for binding.
      const value = statement.get(column) as SqlValue
      row.push(typeof value === 'string' ? readText(statement, column, value) : value)
    }
    return row
  }
}

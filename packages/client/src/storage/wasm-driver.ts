import type { SqliteDriver, SqlValue } from '@dustlayer/replica'
import type { Database, PreparedStatement, Sqlite3Static } from '@sqlite.org/sqlite-wasm'

/** The replica's door to a sqlite-wasm database. Statements are prepared once and kept. */
export function createWasmDriver(sqlite3: Sqlite3Static, db: Database): SqliteDriver {
  const statements = new Map<string, PreparedStatement>()
  const binder = createBinder(sqlite3)
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
        binder.bind(statement, i + 1, value)
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
      binder.close()
      db.close()
    },
  }
}

/**
 * `bind` of the library stores every whole number as a 64-bit integer, which cuts those beyond 2^63, and allocates
 * twice for every text, which was half of the time of a bulk ingest.
 */
function createBinder({ capi, wasm, SQLite3Error }: Sqlite3Static) {
  const encoder = new TextEncoder()
  let room = 4_096
  let scratch = wasm.alloc(room)

  const bindText = (statement: PreparedStatement, index: number, text: string): number => {
    // A UTF-16 code unit becomes three bytes of UTF-8 at most.
    if (text.length * 3 > room) {
      room = text.length * 3
      scratch = wasm.realloc(scratch, room)
    }
    const start = Number(scratch)
    const { written } = encoder.encodeInto(text, wasm.heap8u().subarray(start, start + room))
    return capi.sqlite3_bind_text(statement, index, scratch, written, capi.SQLITE_TRANSIENT)
  }

  return {
    bind(statement: PreparedStatement, index: number, value: SqlValue): void {
      let code = 0
      if (typeof value === 'string') code = bindText(statement, index, value)
      else if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
        code = capi.sqlite3_bind_double(statement, index, value)
      } else statement.bind(index, value)
      if (code !== 0) throw new SQLite3Error(`Cannot bind parameter ${index} (code ${code})`)
    },
    close: () => wasm.dealloc(scratch),
  }
}

/** `get` of the library ends a text at its first NUL and drops a byte order mark at its start: the bytes tell all. */
function createRowReader({ capi, wasm }: Sqlite3Static): (statement: PreparedStatement) => SqlValue[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  const readText = (statement: PreparedStatement, column: number): string => {
    const start = Number(capi.sqlite3_column_blob(statement, column))
    const length = capi.sqlite3_column_bytes(statement, column)
    return length === 0 ? '' : decoder.decode(wasm.heap8u().subarray(start, start + length))
  }

  return (statement) => {
    const row: SqlValue[] = []
    for (let column = 0; column < statement.columnCount; column++) {
      const isText = capi.sqlite3_column_type(statement, column) === capi.SQLITE_TEXT
      // Reading gives number, bigint, null or Uint8Array; the wider type is for binding.
      row.push(isText ? readText(statement, column) : (statement.get(column) as SqlValue))
    }
    return row
  }
}

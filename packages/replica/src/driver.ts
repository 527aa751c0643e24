/** What SQLite stores in a column. */
export type SqlValue = string | number | bigint | null | Uint8Array

/**
 * The door to any SQLite: five methods that are all synchronous, and one for news that a driver may leave out. Implementations keep prepared statements by their SQL
 * text, so callers pass the same text again and vary the parameters only.
 * `driverSuite` in `@dustlayer/replica/testing` states the contract as tests.
 */
export interface SqliteDriver {
  /** Runs one or more statements without parameters. */
  exec(sql: string): void
  /** Runs one statement and ignores its rows. */
  run(sql: string, params?: readonly SqlValue[]): void
  /** The rows of one statement, each an array in column order. */
  all(sql: string, params?: readonly SqlValue[]): SqlValue[][]
  /**
   * Runs `body` in one transaction that takes the write lock at its start, commits when it returns, and rolls
   * back and rethrows when it throws. A call inside a transaction joins the outer one.
   */
  transaction<T>(body: () => T): T
  /** Hears of rows that hold what this library cannot have written, before their reader is told with the same error. */
  onDamage?(error: Error): void
  /** Finalizes the statements and closes the database. */
  close(): void
}

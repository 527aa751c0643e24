import type { SqliteDriver } from '@dustlayer/replica'

/** The same driver; `onError` hears of whatever it throws, and of damaged rows, before the caller does. */
export function watchDriver(driver: SqliteDriver, onError: (error: unknown) => void): SqliteDriver {
  const watched = <T>(run: () => T): T => {
    try {
      return run()
    } catch (error) {
      onError(error)
      throw error
    }
  }
  return {
    exec: (sql) => watched(() => driver.exec(sql)),
    run: (sql, params) => watched(() => driver.run(sql, params)),
    all: (sql, params) => watched(() => driver.all(sql, params)),
    transaction: (body) => watched(() => driver.transaction(body)),
    onDamage: onError,
    close: () => driver.close(),
  }
}

/** A handle that failed may fail once more when it is closed; there is nothing to be done about it. */
export function closeQuietly(driver: SqliteDriver): void {
  try {
    driver.close()
  } catch {
    // The files are opened anew.
  }
}

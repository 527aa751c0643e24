import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SqliteDriver } from '@dustlayer/replica'
import { openBetterSqlite } from '@dustlayer/replica/testing'
import type { DatabaseFiles } from '../storage/database-files.js'

const SUFFIX = '.db'
const LOG = '-wal'

/** Databases with a log, in files of a directory, by the SQLite of this process. */
export function openNodeFiles(directory: string): DatabaseFiles {
  const pathOf = (name: string): string => join(directory, name + SUFFIX)
  return {
    kind: 'opfs',
    names: () =>
      readdirSync(directory).flatMap((file) =>
        file.endsWith(SUFFIX) ? [file.slice(0, -SUFFIX.length)] : [],
      ),
    async open(name) {
      const unclean = existsSync(pathOf(name) + LOG)
      return { driver: openDriver(pathOf(name)), unclean, durable: () => null }
    },
    openDamaged: async (name) => openDriver(pathOf(name)),
    async remove(name) {
      for (const suffix of ['', LOG, '-shm']) rmSync(pathOf(name) + suffix, { force: true })
    },
    makeRoom: () => false,
    close: async () => undefined,
    roomy: true,
    present: async () => true,
    abandon: () => undefined,
  }
}

/** Copies what is on the disk of a database, as a process that dies leaves it. */
export function copyAsItIs(name: string, from: string, to: string): void {
  for (const suffix of ['', LOG]) {
    const file = name + SUFFIX + suffix
    if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file))
  }
}

/** Where the bytes of a database, and those of its log, are. */
export function filesOf(
  name: string,
  directory: string,
): { readonly database: string; readonly log: string } {
  const database = join(directory, name + SUFFIX)
  return { database, log: database + LOG }
}

/** With the error codes that sqlite-wasm gives. */
function openDriver(path: string): SqliteDriver {
  const coded = <T>(run: () => T): T => {
    try {
      return run()
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
      const known = CODES.find(([name]) => typeof code === 'string' && code.startsWith(name))
      if (known) Object.assign(error as Error, { resultCode: known[1] })
      throw error
    }
  }
  const driver = coded(() => openBetterSqlite(path))
  return {
    exec: (sql) => coded(() => driver.exec(sql)),
    run: (sql, params) => coded(() => driver.run(sql, params)),
    all: (sql, params) => coded(() => driver.all(sql, params)),
    transaction: (body) => coded(() => driver.transaction(body)),
    close: () => coded(() => driver.close()),
  }
}

const CODES: readonly (readonly [name: string, code: number])[] = [
  ['SQLITE_ERROR', 1],
  ['SQLITE_BUSY', 5],
  ['SQLITE_READONLY', 8],
  ['SQLITE_IOERR', 10],
  ['SQLITE_CORRUPT', 11],
  ['SQLITE_FULL', 13],
  ['SQLITE_CANTOPEN', 14],
  ['SQLITE_CONSTRAINT', 19],
  ['SQLITE_MISMATCH', 20],
  ['SQLITE_NOTADB', 26],
]

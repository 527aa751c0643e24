/** One database takes two files of the pool (itself and its WAL); the rest is room for temporary ones. */
const FILES_PER_DATABASE = 2
const SPARE_FILES = 2

/** The part of the OPFS pool that its size depends on. */
export interface FilePool {
  getFileNames(): string[]
  /** Adds files until there are so many, used or not. */
  reserveMinimumCapacity(files: number): Promise<number>
}

/** Keeps the pool large enough: it does not grow by itself, and a full one refuses to open a database. */
export interface PoolRoom {
  /** Resolves when there is room for the database's files, whether or not those of earlier calls exist yet. */
  reserve(database: string): Promise<void>
  /** The database is gone. */
  forget(database: string): void
}

export function createPoolRoom(pool: FilePool): PoolRoom {
  const databases = new Set(pool.getFileNames().filter((name) => name.endsWith('.db')))
  let growing: Promise<unknown> = Promise.resolve()
  return {
    async reserve(database) {
      databases.add(database)
      const files = databases.size * FILES_PER_DATABASE + SPARE_FILES
      // One after the other, or each would add what the others are adding.
      const grown = growing.then(() => pool.reserveMinimumCapacity(files))
      growing = grown.catch(() => undefined)
      await grown
    },
    forget(database) {
      databases.delete(database)
    },
  }
}

import type { SqliteDriver } from '@dustlayer/replica'
import { Crash } from '../violation.js'

class DiskFull extends Error {}

/** Whether something failed because the disk was told to fail, in whatever this was wrapped. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && (error instanceof DiskFull || isDiskFull(error.cause))
}

/** The disk of a client: a real database that fails on command and outlives the processes that use it. */
export interface ClientDisk {
  /** The database as it is, for checks. */
  readonly raw: SqliteDriver
  /** Grows with every transaction that has committed. */
  readonly commits: number
  /** The database as a process that starts now sees it; `died` is called when the process dies in a statement. */
  attach(died: () => void): SqliteDriver
  /** The process that has it open is gone: what it still does has no effect. */
  detach(): void
  /** The statement after so many more fails, as on a full disk, or kills the process. */
  failAfter(statements: number, how: 'error' | 'crash'): void
  heal(): void
  /** Nothing fails while this runs: for checks, which go through the process that they look at. */
  calmly<T>(run: () => T): T
}

export function createClientDisk(raw: SqliteDriver): ClientDisk {
  let failure: { left: number; how: 'error' | 'crash' } | undefined
  let users = 0
  let commits = 0
  let calm = false

  return {
    raw,
    get commits() {
      return commits
    },
    attach(died) {
      users += 1
      const user = users

      const reach = (): void => {
        if (user !== users) throw new Crash('The client is dead.')
        if (!failure || calm) return
        failure.left -= 1
        if (failure.left >= 0) return
        const { how } = failure
        failure = undefined
        if (how === 'error') throw new DiskFull('The simulated disk is full.')
        users += 1
        died()
        throw new Crash('The client died.')
      }

      let depth = 0
      return {
        exec(sql) {
          reach()
          raw.exec(sql)
        },
        run(sql, params) {
          reach()
          raw.run(sql, params)
        },
        all(sql, params) {
          reach()
          return raw.all(sql, params)
        },
        transaction(body) {
          reach()
          depth += 1
          try {
            const result = raw.transaction(() => {
              const value = body()
              reach()
              return value
            })
            if (depth === 1) commits += 1
            return result
          } finally {
            depth -= 1
          }
        },
        close() {},
      }
    },
    detach() {
      users += 1
    },
    failAfter(statements, how) {
      failure = { left: statements, how }
    },
    heal() {
      failure = undefined
    },
    calmly(run) {
      calm = true
      try {
        return run()
      } finally {
        calm = false
      }
    },
  }
}

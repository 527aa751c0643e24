import type { LoggedOp, StoreStorage } from '@dustlayer/server'
import type { CrashPoint } from '../schedule.js'
import { Crash } from '../violation.js'

/** The disk of the server: real storage that fails on command, and tells what it has committed. */
export interface ServerDisk {
  /** The storage as a process that starts now sees it. */
  attach(storage: StoreStorage, process: ServerProcess): StoreStorage
  /** The next `times` transactions, or reads of the log, fail. */
  failWrites(times: number): void
  failReads(times: number): void
  /** The process dies at this point of a transaction, the `count`th time that it gets there. */
  crashAt(point: CrashPoint, count: number): void
  /** Whether the process dies at this moment, which is none of a transaction. */
  reach(point: CrashPoint, process: ServerProcess): void
  /** From now on nothing fails. */
  heal(): void
}

export interface ServerProcess {
  readonly alive: boolean
  /** Ends the process. */
  die(): void
}

export interface ServerDiskOptions {
  /** The most ops, or entries of a snapshot, that are read at once. */
  readonly page: number
  /** Called after each transaction with the ops that it has added to the log. */
  committed(ops: readonly LoggedOp[]): void
}

export function createServerDisk({ page, committed }: ServerDiskOptions): ServerDisk {
  let failingWrites = 0
  let failingReads = 0
  let crash: { point: CrashPoint; count: number } | undefined

  const reach = (point: CrashPoint, process: ServerProcess): void => {
    if (!process.alive) throw new Crash('The server is dead.')
    if (crash?.point !== point) return
    crash.count -= 1
    if (crash.count > 0) return
    crash = undefined
    process.die()
    throw new Crash(`The server died (${point}).`)
  }

  return {
    reach,
    failWrites(times) {
      failingWrites = times
    },
    failReads(times) {
      failingReads = times
    },
    crashAt(point, count) {
      crash = { point, count }
    },
    heal() {
      failingWrites = 0
      failingReads = 0
      crash = undefined
    },
    attach(storage, process) {
      const { log, history } = storage
      return {
        ...storage,
        log: {
          ...log,
          append(op) {
            reach('append', process)
            log.append(op)
          },
          // Small pages, so that small stores have borders between them too.
          after(seq, limit, maxBytes) {
            if (!process.alive) throw new Crash('The server is dead.')
            if (failingReads > 0) {
              failingReads -= 1
              throw new Error('The simulated disk cannot be read.')
            }
            return log.after(seq, Math.min(limit, page), maxBytes)
          },
        },
        history: {
          ...history,
          snapshotPage: (after, { count, bytes }) =>
            history.snapshotPage(after, { count: Math.min(count, page), bytes }),
          fold(through, { count, bytes }, now) {
            reach('begin', process)
            return history.fold(through, { count: Math.min(count, page), bytes }, now)
          },
        },
        transaction(body) {
          reach('begin', process)
          if (failingWrites > 0) {
            failingWrites -= 1
            throw new Error('The simulated disk is full.')
          }
          const head = log.head()
          const result = storage.transaction(() => {
            const value = body()
            reach('commit', process)
            return value
          })
          const ops = log.after(head, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
          if (ops.length > 0) committed(ops)
          reach('committed', process)
          return result
        },
      }
    },
  }
}

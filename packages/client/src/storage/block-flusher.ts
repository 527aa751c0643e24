import type { BlockFile } from './block-file.js'
import type { BlockChange } from './blocks.js'

/** Brings what changes in a file to the disk, as often as the disk can take it. */
export interface BlockFlusher {
  /** Something has changed. */
  changed(): void
  /** As in DatabaseFile. */
  durable(): Promise<void> | null
  /** Resolves when nothing is on its way. */
  settled(): Promise<void>
}

export interface BlockFlusherOptions {
  /** Must not be in the middle of a transaction of SQLite's whenever a promise's callback runs. */
  readonly file: BlockFile
  commit(change: BlockChange): Promise<void>
  /** The error that waiting writers get. */
  toError(cause: unknown): Promise<Error>
  /** Writers were told that their writes are not durable: what is open is ahead of the disk. */
  onUnwritten(error: Error): void
}

/**
 * Changes are taken between transactions only, because a transaction runs in one go, and a change is stored as a
 * whole or not at all: whatever is on the disk is the outcome of the first so many transactions.
 */
export function createBlockFlusher({
  file,
  commit,
  toError,
  onUnwritten,
}: BlockFlusherOptions): BlockFlusher {
  /** Never rejects. */
  let flushing: Promise<void> | undefined
  const waiters: Waiter[] = []
  let failure: Error | undefined

  const refuse = async (cause: unknown, waiting: readonly Waiter[]): Promise<void> => {
    const error = await toError(cause)
    failure = error
    for (const { reject } of [...waiting, ...waiters.splice(0)]) reject(error)
    onUnwritten(error)
  }

  const store = async (): Promise<void> => {
    // Everything that is written in this turn belongs to it.
    await Promise.resolve()
    const change = file.take()
    const waiting = waiters.splice(0)
    try {
      await commit(change)
    } catch (cause) {
      file.giveBack(change)
      // What the server sent comes again; it is stored with the next change, if that can be.
      if (waiting.length + waiters.length > 0) await refuse(cause, waiting)
      flushing = undefined
      return
    }
    flushing = undefined
    for (const { resolve } of waiting) resolve()
    if (file.dirty) flush()
    // Who came while it was on its way waited for nothing else.
    else for (const { resolve } of waiters.splice(0)) resolve()
  }

  const flush = (): void => {
    if (!failure) flushing ??= store()
  }

  return {
    changed: flush,
    durable() {
      if (failure) return Promise.reject(failure)
      if (!file.dirty && !flushing) return null
      return new Promise((resolve, reject) => {
        waiters.push({ resolve, reject })
        flush()
      })
    },
    async settled() {
      while (flushing) await flushing
    },
  }
}

interface Waiter {
  resolve(): void
  reject(error: Error): void
}

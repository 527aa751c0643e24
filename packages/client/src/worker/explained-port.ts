import type { SyncPort } from '@dustlayer/replica'
import type { StoreDatabase } from '../storage/storage.js'

/** What becomes of the user's own writes: for these, the room that is kept back may be used. */
const ANSWERS = ['ack', 'ackBatch', 'reject', 'rejectBatch'] as const
/** What the server sends. */
const DATA = [
  'applyEvents',
  'applySnapshot',
  'setServer',
  'stageBegin',
  'stageEntries',
  'stageEvents',
  'stageFinish',
  'stageDrop',
] as const

/** A port whose errors say when it was for want of room: SQLite says no more than "I/O error". */
export function explainedPort(
  port: SyncPort,
  { makeRoom, noRoom }: Pick<StoreDatabase, 'makeRoom' | 'noRoom'>,
): SyncPort {
  const explained = <T>(run: () => T): T => {
    try {
      return run()
    } catch (error) {
      throw noRoom(error) ?? error
    }
  }

  const withRoom = <T>(run: () => T): T => {
    try {
      return run()
    } catch (error) {
      if (!makeRoom(error)) throw error
      return run()
    }
  }

  const wrapped = (name: keyof SyncPort, around: <T>(run: () => T) => T): [string, unknown] => {
    // The functions differ in what they take, and all of it is passed on.
    const run = port[name] as (...args: unknown[]) => unknown
    return [name, (...args: unknown[]) => around(() => run(...args))]
  }

  return {
    ...port,
    ...Object.fromEntries([
      ...DATA.map((name) => wrapped(name, explained)),
      ...ANSWERS.map((name) => wrapped(name, (run) => explained(() => withRoom(run)))),
    ]),
  }
}

import { DustError, StorageError } from '@dustlayer/protocol'

/** What browsers tell of the room for this origin, in bytes; null where they do not. */
export interface Room {
  readonly usage: number | null
  readonly quota: number | null
}

/**
 * What went wrong with a database, by what must follow:
 * - `no-room`: the write was undone, everything else works.
 * - `damaged`: the file is not what SQLite wrote.
 * - `broken`: the file cannot be read or written any more; it may be whole.
 */
export type FaultKind = 'no-room' | 'damaged' | 'broken'

const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

/** Undefined: the database itself is as good as before. */
export function faultOf(error: unknown, ioError?: Error): FaultKind | undefined {
  if (error instanceof StorageError) return error.code === 'quota_exceeded' ? 'no-room' : undefined
  if (error instanceof DustError) return undefined
  if (isNoRoom(error)) return 'no-room'
  switch (resultCode(error)) {
    case SQLITE_FULL:
      return 'no-room'
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return 'damaged'
    case SQLITE_IOERR:
      return isNoRoom(ioError) ? 'no-room' : 'broken'
    default:
      return undefined
  }
}

/** What a database threw, as a Dust error with its cause kept. Dust errors pass unchanged. */
export function toStorageError(error: unknown, store: string, room?: Room): DustError {
  if (error instanceof DustError) return error
  const message = messageOf(error)
  if (faultOf(error) === 'no-room') return noRoom(store, message, error, room)
  return new StorageError('storage_failed', `The local database of ${store} failed: ${message}`, {
    cause: error,
    fields: { store },
  })
}

export function noRoom(store: string, detail: string, cause: unknown, room?: Room): StorageError {
  return new StorageError(
    'quota_exceeded',
    `The browser has no more room for ${store} (${detail}), so this was not written. What was written before is safe. Free disk space or remove data, then write again.`,
    { cause, fields: { store, usage: room?.usage ?? null, quota: room?.quota ?? null } },
  )
}

/** SQLite's code without the details in its upper bits. */
function resultCode(error: unknown): number | undefined {
  const code: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'resultCode') : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

/**
 * By name, or by what the pool says of a write that was cut short: Chromium in private windows and Firefox write
 * less than they were told in place of throwing (rhashimoto/wa-sqlite#336).
 */
function isNoRoom(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'QuotaExceededError' || /quota|Unknown write\(\) failure/i.test(error.message)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

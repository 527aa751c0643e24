import { DustError, StorageError, UnavailableError } from '@dustlayer/protocol'
import { DamagedRowError } from '@dustlayer/replica'

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

const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_NOMEM = 7
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

/** Undefined: the database itself is as good as before. */
export function faultOf(error: unknown, ioError?: Error): FaultKind | undefined {
  if (error instanceof DamagedRowError) return 'damaged'
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

/**
 * The same of what opening a database threw. A header that something else has changed shows as any of SQLite's errors,
 * or as another answer than the one that was asked for.
 */
export function openingFaultOf(error: unknown, ioError?: Error): FaultKind | undefined {
  const kind = faultOf(error, ioError)
  if (kind) return kind
  if (error instanceof StorageError) return error.code === 'storage_failed' ? 'damaged' : undefined
  return isUnexpected(error) ? 'damaged' : undefined
}

/** Whether SQLite failed in a way for which statements that worked before give no reason. */
export function isUnexpected(error: unknown): boolean {
  return resultCode(error) !== undefined && !isForNow(error)
}

/** Whether a replica could not be opened for a reason that has nothing to do with what its database holds. */
export function isRefusal(error: unknown, ioError?: Error): boolean {
  if (error instanceof DustError && error.code === 'newer_database') return true
  return error instanceof UnavailableError || isForNow(error) || faultOf(error, ioError) === 'no-room'
}

function isForNow(error: unknown): boolean {
  return [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM].includes(resultCode(error) ?? 0)
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

/** The same for what the server sends. */
export function noRoomToReceive(store: string, detail: string, cause: unknown, room: Room): StorageError {
  return new StorageError(
    'quota_exceeded',
    `The browser has no more room for ${store} (${detail}): what others write is not received until there is. What is written here is sent all the same. Free disk space or remove data.`,
    { cause, fields: { store, usage: room.usage, quota: room.quota } },
  )
}

/** What a tab is told that requires what the leading tab does not have. */
export function ledFromMemory(): StorageError {
  const reason = 'the leading tab keeps everything in memory'
  return new StorageError(
    'not_persistent',
    `This tab was told to require that data is kept on this device, but ${reason}. Close the other tabs of this app, or open them with the same \`storage\` option, then reload.`,
    { fields: { reason } },
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
  // Some errors of browsers have a name only.
  return error instanceof Error ? error.message || error.name : String(error)
}

import { DustError, StorageError } from '@dustlayer/protocol'

/** SQLite's result code for a full disk; the pool VFS reports an exhausted quota as an I/O error or by name. */
const SQLITE_FULL = 13

/** What a database threw, as a Dust error with its cause kept. Dust errors pass unchanged. */
export function toStorageError(error: unknown, store: string): DustError {
  if (error instanceof DustError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (isQuota(error, message)) {
    return new StorageError(
      'quota_exceeded',
      `The browser has no more room for ${store} (${message}). Free disk space or remove data, then write again.`,
      { cause: error },
    )
  }
  return new StorageError('storage_failed', `The local database of ${store} failed: ${message}`, {
    cause: error,
  })
}

function isQuota(error: unknown, message: string): boolean {
  if (error instanceof Error && error.name === 'QuotaExceededError') return true
  const code: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'resultCode') : undefined
  return code === SQLITE_FULL || /quota/i.test(message)
}

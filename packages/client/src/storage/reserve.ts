/** Room that is kept for what the user writes when there is no other. */
export interface Reserve {
  /** Gives the room up; false when there is none left. */
  release(): boolean
  close(): void
}

/**
 * SQLite's log is 8 MiB long before it is used from its beginning again, and Chromium grants a file only as much room
 * as it has already: less than that would not let the log grow.
 */
const RESERVE_BYTES = 8 << 20

/**
 * Opens the file that keeps the room, and fills it up again if that can be. What the server sends is not worth it: it
 * can be had again.
 * @throws what the browser throws when it has no access handles, or another page has this one.
 */
export async function openReserve(directory: FileSystemDirectoryHandle, name: string): Promise<Reserve> {
  // TypeScript's page library, which this package is checked with, lacks what only workers have.
  const file: FileSystemFileHandle & { createSyncAccessHandle?(): Promise<AccessHandle> } =
    await directory.getFileHandle(name, { create: true })
  const handle = await file.createSyncAccessHandle?.()
  if (!handle) throw new Error('the browser has no access handles')
  let kept = fill(handle)
  let closed = false

  const close = (): void => {
    if (!closed) handle.close()
    closed = true
  }

  return {
    release() {
      if (!kept) return false
      kept = false
      handle.truncate(0)
      handle.flush()
      // Chromium gives room back only when the handle is closed.
      close()
      return true
    },
    close,
  }
}

interface AccessHandle {
  getSize(): number
  truncate(size: number): void
  flush(): void
  close(): void
}

function fill(handle: AccessHandle): boolean {
  try {
    if (handle.getSize() !== RESERVE_BYTES) handle.truncate(RESERVE_BYTES)
    return handle.getSize() === RESERVE_BYTES
  } catch {
    // There is no room for it now.
    return false
  }
}

/** Room that is kept for what the user writes when there is no other. */
export interface Reserve {
  /** Whether there is any left. */
  readonly kept: boolean
  /** Gives the room up; false when there is none left. */
  release(): boolean
  /**
   * Writes the next of its bytes to the disk, which keeps no room for a file that only has a size; false when there is
   * nothing more to write. A few milliseconds each time.
   */
  fillMore(): boolean
  close(): void
}

/**
 * SQLite's log is 8 MiB long before it is used from its beginning again, and Chromium grants a file only as much room
 * as it has already: less than that would not let the log grow.
 */
const RESERVE_BYTES = 8 << 20
const SLICE_BYTES = 1 << 20

/**
 * Opens the file that keeps the room, and gives it its size again if that can be. What the server sends is not worth it: it
 * can be had again.
 * @throws what the browser throws when it has no access handles, or another page has this one.
 */
export async function openReserve(directory: FileSystemDirectoryHandle, name: string): Promise<Reserve> {
  // TypeScript's page library, which this package is checked with, lacks what only workers have.
  const file: FileSystemFileHandle & { createSyncAccessHandle?(): Promise<AccessHandle> } =
    await directory.getFileHandle(name, { create: true })
  const handle = await file.createSyncAccessHandle?.()
  if (!handle) throw new Error('the browser has no access handles')
  let kept = resize(handle)
  let closed = false
  /** How many bytes were written, when it is known that some are missing. */
  let filled = kept && !isFilled(handle) ? 0 : RESERVE_BYTES

  const close = (): void => {
    if (!closed) handle.close()
    closed = true
  }

  return {
    get kept() {
      return kept
    },
    release() {
      if (!kept) return false
      kept = false
      handle.truncate(0)
      handle.flush()
      // Chromium gives room back only when the handle is closed.
      close()
      return true
    },
    fillMore() {
      if (!kept || closed || filled >= RESERVE_BYTES) return false
      try {
        handle.write(noise(), { at: filled })
        filled += SLICE_BYTES
        if (filled < RESERVE_BYTES) return true
        handle.flush()
      } catch {
        // The disk is full now; what has been written stays kept.
        filled = RESERVE_BYTES
      }
      return false
    },
    close,
  }
}

interface AccessHandle {
  getSize(): number
  read(into: Uint8Array, options: { readonly at: number }): number
  write(bytes: Uint8Array, options: { readonly at: number }): number
  truncate(size: number): void
  flush(): void
  close(): void
}

/** Bytes that no disk can store as fewer, of which the last is not the zero that was never written. */
function noise(): Uint8Array {
  const bytes = new Uint8Array(SLICE_BYTES)
  const most = 65_536
  for (let at = 0; at < SLICE_BYTES; at += most) crypto.getRandomValues(bytes.subarray(at, at + most))
  bytes[SLICE_BYTES - 1] = 1
  return bytes
}

function isFilled(handle: AccessHandle): boolean {
  const last = new Uint8Array(1)
  try {
    handle.read(last, { at: RESERVE_BYTES - 1 })
  } catch {
    // Then it is written again.
  }
  return last[0] !== 0
}

function resize(handle: AccessHandle): boolean {
  try {
    if (handle.getSize() !== RESERVE_BYTES) handle.truncate(RESERVE_BYTES)
    return handle.getSize() === RESERVE_BYTES
  } catch {
    // There is no room for it now.
    return false
  }
}

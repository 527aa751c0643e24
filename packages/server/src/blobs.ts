import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'

/** Uploaded bytes by the hash of their content. */
export interface Blobs {
  /** Keeps the bytes, durably when it returns. Returns `sha256:` and 64 hex digits. */
  put(bytes: Buffer): string
  /** Undefined when there is no such blob. */
  open(hash: string): Readable | undefined
}

const HASH = /^sha256:([0-9a-f]{2})([0-9a-f]{2})[0-9a-f]{60}$/

/** Blobs as files `blobs/<aa>/<bb>/sha256:<hex>`, each written once. */
export function createBlobs(dataDir: string): Blobs {
  const fileOf = (hash: string) => {
    const parts = HASH.exec(hash)
    return parts ? join(dataDir, 'blobs', parts[1] as string, parts[2] as string, hash) : undefined
  }
  return {
    put(bytes) {
      const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
      const file = fileOf(hash) as string
      if (!existsSync(file)) writeDurably(file, bytes)
      return hash
    },
    open(hash) {
      const file = fileOf(hash)
      return file && existsSync(file) ? createReadStream(file) : undefined
    },
  }
}

/** Under another name first, so that a crash leaves no half blob under its hash. */
function writeDurably(file: string, bytes: Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  const partial = `${file}.${randomUUID()}.partial`
  const fd = openSync(partial, 'w')
  try {
    writeFileSync(fd, bytes)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(partial, file)
  syncDirectory(dirname(file))
}

/** The new name must survive a power cut too, as the entry that refers to it will. */
function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

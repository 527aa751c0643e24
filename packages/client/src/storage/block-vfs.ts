import type { CAPI, Sqlite3Result, Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import type { BlockFile } from './block-file.js'
import { createBlockFile } from './block-file.js'

/** Where SQLite finds the files of one VFS, by the name that it is given. */
export type FindFile = (name: string) => BlockFile | undefined

/** What SQLite is told of a file that nothing outside this worker can see. */
const POWERSAFE_AND_ALONE: number = 0x1000 | 0x800
const SECTOR_BYTES: number = 4_096

/**
 * Registers a VFS over files in memory, until the function that is returned is called. One worker has each of them
 * alone, with the journal in memory as well, so that locks are no business of it.
 */
export function installBlockVfs(sqlite3: Sqlite3Static, vfsName: string, find: FindFile): () => void {
  const { capi, wasm } = sqlite3
  if (capi.sqlite3_vfs_find(vfsName)) throw new Error(`The VFS ${vfsName} is there already.`)
  const open = new Map<Pointer, BlockFile>()
  const fileOf = (pFile: Pointer): BlockFile => {
    const file = open.get(pFile)
    if (!file) throw new Error('SQLite uses a file that is not open.')
    return file
  }
  /** An exception must not pass through SQLite. */
  const guarded = (code: Sqlite3Result, run: () => Sqlite3Result): Sqlite3Result => {
    try {
      return run()
    } catch {
      return code
    }
  }
  const heap = (start: Pointer, length: number): Uint8Array =>
    wasm.heap8u().subarray(Number(start), Number(start) + length)

  const io = new capi.sqlite3_io_methods()
  Object.assign(io, { $iVersion: 1 })
  const vfs = new capi.sqlite3_vfs()
  const standard = new capi.sqlite3_vfs(capi.sqlite3_vfs_find(null))
  Object.assign(vfs, {
    $iVersion: 2,
    $szOsFile: sizeOfFile(capi),
    $mxPathname: 1_024,
    ...borrowed(standard),
  })
  standard.dispose()

  sqlite3.vfs.installVfs({
    io: {
      struct: io,
      methods: {
        xClose(pFile) {
          open.delete(pFile)
          return 0
        },
        xRead: (pFile, target, length, at) =>
          guarded(capi.SQLITE_IOERR_READ, () => {
            const bytes = heap(target, length)
            const found = fileOf(pFile).read(bytes, Number(at))
            if (found === length) return 0
            bytes.fill(0, found)
            return capi.SQLITE_IOERR_SHORT_READ
          }),
        xWrite: (pFile, source, length, at) =>
          guarded(capi.SQLITE_IOERR_WRITE, () => {
            fileOf(pFile).write(heap(source, length), Number(at))
            return 0
          }),
        xTruncate: (pFile, size) =>
          guarded(capi.SQLITE_IOERR_TRUNCATE, () => {
            fileOf(pFile).truncate(Number(size))
            return 0
          }),
        // What is durable, and when, is the flusher's business.
        xSync: () => 0,
        xFileSize: (pFile, target) =>
          guarded(capi.SQLITE_IOERR_FSTAT, () => {
            wasm.poke64(target, BigInt(fileOf(pFile).size))
            return 0
          }),
        xLock: () => 0,
        xUnlock: () => 0,
        xCheckReservedLock(_pFile, target) {
          wasm.poke32(target, 0)
          return 0
        },
        xFileControl: () => capi.SQLITE_NOTFOUND,
        // These two give a size and flags, which the library declares as results like the others.
        xSectorSize: () => SECTOR_BYTES as Sqlite3Result,
        xDeviceCharacteristics: () => POWERSAFE_AND_ALONE as Sqlite3Result,
      },
    },
    vfs: {
      struct: vfs,
      name: vfsName,
      methods: {
        xOpen: (_pVfs, pName, pFile, flags, outFlags) =>
          guarded(capi.SQLITE_CANTOPEN, () => {
            // Without a name it is a temporary file.
            const file = pName
              ? find(wasm.cstrToJs(pName) ?? '')
              : createBlockFile(undefined, () => undefined)
            if (!file) return capi.SQLITE_CANTOPEN
            open.set(pFile, file)
            const handle = new capi.sqlite3_file(pFile)
            handle.$pMethods = io.pointer
            handle.dispose()
            wasm.poke32(outFlags, flags)
            return 0
          }),
        xDelete: () => 0,
        xAccess(_pVfs, pName, _flags, target) {
          wasm.poke32(target, find(wasm.cstrToJs(pName) ?? '') ? 1 : 0)
          return 0
        },
        xFullPathname: (_pVfs, pName, length, target) =>
          wasm.cstrncpy(target, pName, length) < length ? 0 : capi.SQLITE_CANTOPEN,
        xGetLastError: () => 0,
      },
    },
  })
  return () => {
    capi.sqlite3_vfs_unregister(vfs)
    vfs.dispose()
    io.dispose()
  }
}

type Pointer = number

/** The library's declarations leave it out: it is a member of the class, not of its instances. */
function sizeOfFile(capi: CAPI): number {
  const info: unknown = Reflect.get(capi.sqlite3_file, 'structInfo')
  if (typeof info !== 'object' || info === null)
    throw new Error('sqlite-wasm has changed: structInfo is gone.')
  return Number(Reflect.get(info, 'sizeof'))
}

/** What does not concern files is SQLite's own. Its declarations leave the `$` off that fields of a struct have. */
function borrowed(standard: object): { [field: string]: unknown } {
  const fields = ['$xRandomness', '$xSleep', '$xCurrentTime', '$xCurrentTimeInt64']
  return Object.fromEntries(fields.map((field) => [field, Reflect.get(standard, field)]))
}

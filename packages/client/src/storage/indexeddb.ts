import type { Database, Sqlite3Static } from '@sqlite.org/sqlite-wasm'
import { type BlockFile, createBlockFile } from './block-file.js'
import { type BlockFlusher, createBlockFlusher } from './block-flusher.js'
import { installBlockVfs } from './block-vfs.js'
import type { BlockStore } from './blocks.js'
import type { DatabaseFiles } from './database-files.js'
import type { Rung } from './ladder.js'
import { expectPragmas, LENIENT } from './pragmas.js'
import { createWasmDriver } from './wasm-driver.js'

export interface BlockRungOptions {
  readonly sqlite3: Sqlite3Static
  /** Opens the store for a leader of that epoch, to see whether this page may. */
  openBlocks(epoch: number): Promise<BlockStore>
  /** A name that no VFS of this worker has had. */
  vfsName(): string
  /** What an error of the store's is to the writers of a database. */
  toError(cause: unknown, name: string): Promise<Error>
}

/**
 * The second rung: each database is in memory as a whole, and what changes goes to a block store after each
 * transaction (docs/decisions/0100).
 */
export function indexedDbRung(options: BlockRungOptions): Rung {
  return {
    name: 'indexeddb',
    async open({ epoch, onFault }) {
      const blocks = await options.openBlocks(epoch)
      const onUnwritten = (error: Error): void => onFault({ kind: 'unwritten', error })
      return openBlockFiles(options, onUnwritten, blocks, await blocks.names())
    },
  }
}

interface OpenFile {
  readonly file: BlockFile
  readonly flusher: BlockFlusher
}

function openBlockFiles(
  { sqlite3, vfsName, toError }: BlockRungOptions,
  onUnwritten: (error: Error) => void,
  blocks: BlockStore,
  present: readonly string[],
): DatabaseFiles {
  const names = new Set(present)
  const open = new Map<string, OpenFile>()
  const vfs = vfsName()
  const uninstall = installBlockVfs(sqlite3, vfs, (path) => open.get(path)?.file)

  const load = async (name: string): Promise<OpenFile> => {
    const stored = await blocks.load(name)
    const file = createBlockFile(stored, () => flusher.changed())
    const flusher = createBlockFlusher({
      file,
      commit: (change) => blocks.commit(name, change),
      toError: (cause) => toError(cause, name),
      onUnwritten,
    })
    return { file, flusher }
  }

  const openDatabase = async (name: string): Promise<Database> => {
    open.set(name, await load(name))
    names.add(name)
    return new sqlite3.oo1.DB({ filename: name, flags: 'c', vfs })
  }

  return {
    kind: 'indexeddb',
    names: () => [...names],
    async open(name) {
      const db = await openDatabase(name)
      try {
        expectPragmas(db, name, [
          ['locking_mode = exclusive', 'exclusive'],
          ['journal_mode = memory', 'memory'],
        ])
        db.exec('pragma synchronous = off; pragma temp_store = memory')
        return {
          driver: createWasmDriver(sqlite3, db),
          // A change of several blocks is stored as a whole: who ends in the middle leaves nothing half done.
          unclean: false,
          durable: () => open.get(name)?.flusher.durable() ?? null,
        }
      } catch (error) {
        db.close()
        throw error
      }
    },
    async openDamaged(name) {
      const db = await openDatabase(name)
      db.exec(LENIENT)
      return createWasmDriver(sqlite3, db)
    },
    async remove(name) {
      await open.get(name)?.flusher.settled()
      open.delete(name)
      names.delete(name)
      await blocks.remove(name)
    },
    makeRoom: () => false,
    roomy: true,
    present: async () => false,
    async close() {
      await Promise.all(Array.from(open.values(), ({ flusher }) => flusher.settled()))
      uninstall()
    },
    abandon: uninstall,
  }
}

import type { PreciousTable } from '@dustlayer/replica'
import type { MirrorDisk, MirrorHead, SheetChanges, StoredSheet } from '../storage/mirror-disk.js'

/** A disk of mirrors that outlives those who have it open. */
export interface MirrorDiskForTest {
  /** One leader's life on this disk. */
  open(epoch: number): MirrorDisk
  /** What is told to be stored fails with this from now on; undefined: it is stored again. */
  failure: Error | undefined
  /** While set, nothing is ever answered. */
  hangs: boolean
  /** What has been stored, in order. */
  readonly commits: readonly { readonly put: readonly string[]; readonly removed: readonly string[] }[]
  /** Changes what is known of a store's mirror. */
  alterHead(store: string, change: Partial<MirrorHead>): void
  /** How often something was to be stored. */
  readonly attempts: number
  /** The paths of the ops that are there, in order. */
  pending(store: string): string[]
  refused(store: string): string[]
  removeAll(): void
}

interface Stored {
  head: MirrorHead
  readonly sheets: Map<string, StoredSheet>
}

const TABLES: readonly PreciousTable[] = ['outbox', 'rejections']

export function createMirrorDisk(): MirrorDiskForTest {
  const stores = new Map<string, Stored>()
  const commits: { put: string[]; removed: string[] }[] = []
  let newest = 0
  let attempts = 0

  const guard = async (epoch: number): Promise<void> => {
    await Promise.resolve()
    if (disk.hangs) await new Promise(() => undefined)
    if (disk.failure) throw disk.failure
    if (epoch !== newest) throw new Error('another tab has taken over')
  }

  const apply = (stored: Stored, changes: SheetChanges): { put: string[]; removed: string[] } => {
    const done = { put: [] as string[], removed: [] as string[] }
    for (const table of TABLES) {
      for (const [number, sheet] of changes[table]) {
        const key = `${table} ${number}`
        if (sheet) stored.sheets.set(key, { table, number, ...sheet })
        else stored.sheets.delete(key)
        ;(sheet ? done.put : done.removed).push(key)
      }
    }
    return done
  }

  const sheetsOf = (store: string): StoredSheet[] =>
    [...(stores.get(store)?.sheets.values() ?? [])].sort((a, b) => a.number - b.number)

  const paths = (store: string, table: PreciousTable): string[] =>
    sheetsOf(store).flatMap(({ rows }) => rowsIn(rows, table).map(({ path }) => path))

  const disk: MirrorDiskForTest = {
    failure: undefined,
    hangs: false,
    commits,
    get attempts() {
      return attempts
    },
    open(epoch) {
      newest = Math.max(newest, epoch)
      return {
        stores: [...stores.keys()],
        async claim() {
          if (disk.failure) throw disk.failure
          newest = epoch
        },
        async head(store) {
          await guard(epoch)
          const stored = stores.get(store)
          const head = stored?.head
          if (stored && head) stored.head = { ...head, exact: false }
          return head
        },
        async sheets(store) {
          await guard(epoch)
          return sheetsOf(store)
        },
        async commit(store, changes, head) {
          attempts += 1
          await guard(epoch)
          if (!head) {
            stores.delete(store)
            commits.push({ put: [], removed: ['all'] })
            return
          }
          const stored = stores.get(store) ?? { head, sheets: new Map() }
          stores.set(store, stored)
          stored.head = head
          commits.push(apply(stored, changes))
        },
      }
    },
    alterHead(store, change) {
      const stored = stores.get(store)
      if (stored) stored.head = { ...stored.head, ...change }
    },
    pending: (store) => paths(store, 'outbox'),
    refused: (store) => paths(store, 'rejections'),
    removeAll() {
      stores.clear()
      newest = Number.POSITIVE_INFINITY
    },
  }
  return disk
}

/** As `StoreMirror` writes them. */
function rowsIn(rows: string, table: PreciousTable): { readonly path: string }[] {
  return JSON.parse(rows)[table] ?? []
}

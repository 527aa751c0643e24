import { UnavailableError } from '@dustlayer/protocol'
import type { PreciousSheet, PreciousTable } from '@dustlayer/replica'
import { promisifyRequest, type UseStore } from 'idb-keyval'
import type { MirrorDisk, MirrorHead, StoredSheet } from './mirror-disk.js'

/** So many are handed to the browser at once; in between, the worker does other things. */
const AT_ONCE = 64

/**
 * Mirrors beside the blocks (`idb-blocks.ts`), under the same `['epoch']`: `['mirror', store, 'head']` and
 * `['mirror', store, table, number]`. A store of their own would need another version of the database, which
 * a tab of an older build cannot open.
 * @throws (rejects) when another leader is newer, or IndexedDB cannot be had.
 */
export async function openIdbMirror(useStore: UseStore, epoch: number): Promise<MirrorDisk> {
  const claim = (): Promise<IDBValidKey[]> =>
    useStore('readwrite', async (store) => {
      const newest = await promisifyRequest<unknown>(store.get(['epoch']))
      if (typeof newest === 'number' && newest > epoch) throw deposed()
      store.put(epoch, ['epoch'])
      return promisifyRequest(store.getAllKeys(within('mirror')))
    })
  const keys = await claim()

  /** Only for the leader that opened the disk last, and never into what was removed since. */
  const change = (run: (store: IDBObjectStore) => Promise<void>): Promise<void> =>
    useStore('readwrite', async (store) => {
      const newest = await promisifyRequest<unknown>(store.get(['epoch']))
      if (newest !== epoch) {
        store.transaction.abort()
        throw newest === undefined ? removed() : deposed()
      }
      await run(store)
      await promisifyRequest(store.transaction)
    })

  return {
    claim: async () => void (await claim()),
    // Written by `commit` below.
    stores: [...new Set(keys.map((key) => (key as [string, string])[1]))],
    async head(name) {
      const key = ['mirror', name, 'head']
      // Written by `commit` below, as the sheets are.
      const head = await useStore('readonly', (store) =>
        promisifyRequest<MirrorHead | undefined>(store.get(key)),
      )
      if (head?.exact) await change(async (store) => void store.put({ ...head, exact: false }, key))
      return head
    },
    sheets: (name) =>
      useStore('readonly', async (store) => {
        const range = within('mirror', name)
        const [keys, contents] = await Promise.all([
          promisifyRequest(store.getAllKeys(range)),
          promisifyRequest<unknown[]>(store.getAll(range)),
        ])
        return keys.flatMap((key, i): StoredSheet[] => {
          const [, , table, number] = key as [string, string, PreciousTable | 'head', number]
          return table === 'head' ? [] : [{ table, number, ...(contents[i] as PreciousSheet) }]
        })
      }),
    commit: (name, changes, head) =>
      change(async (store) => {
        if (!head) {
          store.delete(within('mirror', name))
          return
        }
        store.put(head, ['mirror', name, 'head'])
        let count = 0
        for (const table of ['outbox', 'rejections'] as const) {
          for (const [number, sheet] of changes[table]) {
            const key = ['mirror', name, table, number]
            if (sheet) store.put(sheet, key)
            else store.delete(key)
            count += 1
            // Requests are answered in their order, and the transaction goes on with the answer.
            if (count % AT_ONCE === 0) await promisifyRequest(store.getKey(['epoch']))
          }
        }
      }),
  }
}

function deposed(): UnavailableError {
  return new UnavailableError('Nothing was mirrored, because another tab has taken over.')
}

function removed(): UnavailableError {
  return new UnavailableError('Nothing was mirrored, because the data in IndexedDB was removed.')
}

/** Keys that begin so and go on. */
function within(...start: readonly string[]): IDBKeyRange {
  return IDBKeyRange.bound([...start], [...start, []], true, true)
}

import { UnavailableError } from '@dustlayer/protocol'
import { promisifyRequest, type UseStore } from 'idb-keyval'
import { BLOCK_BYTES, type BlockStore } from './blocks.js'
import { LaterEpochError } from './later-epoch.js'
import { faultOf } from './storage-error.js'

/** About what the first database takes. */
const PROBE_BYTES = 128 << 10

/**
 * Blocks in an object store of IndexedDB: `['block', name, number]`, the size of each file at `['size', name]`, and at
 * `['epoch']` that of the newest leader: nobody older writes.
 * @throws LaterEpochError (rejects) when there is a newer leader, and whatever the browser throws where nothing is
 * stored and nothing can be. What is stored can be read on a full disk, too.
 */
export async function openIdbBlocks(useStore: UseStore, epoch: number): Promise<BlockStore> {
  /** How many blocks of a file the disk has, at most. */
  const counts = new Map<string, number>()

  /** Changes what is stored, all or nothing. */
  const change = (run: (store: IDBObjectStore) => void): Promise<void> =>
    useStore('readwrite', async (store) => {
      const newest = await promisifyRequest<unknown>(store.get(['epoch']))
      if (typeof newest === 'number' && newest > epoch) {
        store.transaction.abort()
        throw new UnavailableError('Nothing was written, because another tab has taken over.')
      }
      if (newest !== epoch) store.put(epoch, ['epoch'])
      run(store)
      await promisifyRequest(store.transaction)
    })

  const [newest, stored] = await useStore('readonly', (store) =>
    Promise.all([
      promisifyRequest<unknown>(store.get(['epoch'])),
      promisifyRequest(store.getAllKeys(within(['size']))),
    ]),
  )
  if (typeof newest === 'number' && newest > epoch) throw new LaterEpochError(newest)
  if (stored.length === 0) {
    await change((store) => store.put(new Uint8Array(PROBE_BYTES), ['probe']))
    await change((store) => store.delete(['probe']))
  } else {
    // With no room for a number there is none for anybody who is older either.
    await change(() => undefined).catch((error: unknown) => {
      if (faultOf(error) !== 'no-room') throw error
    })
  }

  return {
    names: () => storedNames(useStore),
    async load(name) {
      const [size, keys, contents] = await useStore('readonly', (store) =>
        Promise.all([
          promisifyRequest<unknown>(store.get(['size', name])),
          promisifyRequest(store.getAllKeys(within(['block', name]))),
          promisifyRequest<unknown[]>(store.getAll(within(['block', name]))),
        ]),
      )
      if (typeof size !== 'number') return undefined
      const blocks = new Map<number, Uint8Array>()
      for (const [i, key] of keys.entries()) {
        // Written by `commit` below; what is not a block of ours is a hole, which SQLite notices.
        const [, , index] = key as [string, string, number]
        const block = contents[i]
        if (block instanceof Uint8Array && block.length === BLOCK_BYTES) blocks.set(index, block)
      }
      counts.set(name, Math.max(0, ...blocks.keys()) + 1)
      return { size, blocks }
    },
    async commit(name, { size, blocks }) {
      const count = Math.ceil(size / BLOCK_BYTES)
      const before = counts.get(name) ?? 0
      await change((store) => {
        store.put(size, ['size', name])
        for (const [index, block] of blocks) if (index < count) store.put(block, ['block', name, index])
        if (before > count)
          store.delete(IDBKeyRange.bound(['block', name, count], ['block', name, []], false, true))
      })
      counts.set(name, count)
    },
    async remove(name) {
      await change((store) => {
        store.delete(['size', name])
        store.delete(within(['block', name]))
      })
      counts.delete(name)
    },
  }
}

/** The files that are there. */
export async function storedNames(useStore: UseStore): Promise<readonly string[]> {
  const keys = await useStore('readonly', (store) => promisifyRequest(store.getAllKeys(within(['size']))))
  // Written by `commit` above.
  return keys.map((key) => (key as [string, string])[1])
}

/** Keys that begin so and go on: a list sorts behind all numbers and texts. */
function within(start: readonly string[]): IDBKeyRange {
  return IDBKeyRange.bound([...start], [...start, []], true, true)
}

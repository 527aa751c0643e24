import type { Page } from '@playwright/test'

/** A file of the pool that holds a database, as any script of the origin sees it. */
export interface StoredFile {
  /** What SQLite calls it: `/acme%2Fapp.db`. */
  readonly path: string
  readonly bytes: number
}

/** Bytes of a pool's file before those that SQLite sees. */
const HEADER_BYTES = 4_096

/** Opens a page of the origin that has no Dust. */
export async function openBarePage(page: Page, origin: string): Promise<Page> {
  const bare = await page.context().newPage()
  await bare.route('**/bare', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
  await bare.goto(`${origin}/bare`)
  return bare
}

/** The databases and logs in the origin's private file system. */
export function listStored(bare: Page): Promise<StoredFile[]> {
  return bare.evaluate(async (headerBytes) => {
    const found = []
    const root = await navigator.storage.getDirectory()
    for await (const [name, directory] of root.entries()) {
      if (!name.startsWith('.dust-') || !(directory instanceof FileSystemDirectoryHandle)) continue
      const pool = await directory.getDirectoryHandle('.opaque')
      for await (const handle of pool.values()) {
        if (!(handle instanceof FileSystemFileHandle)) continue
        const file = await handle.getFile()
        const header = new Uint8Array(await file.slice(0, 512).arrayBuffer())
        const path = new TextDecoder().decode(header.subarray(0, header.indexOf(0)))
        if (path !== '') found.push({ path, bytes: file.size - headerBytes })
      }
    }
    return found
  }, HEADER_BYTES)
}

export type Damage =
  /** Overwrites so many of the bytes that SQLite sees, from that one on. */
  | { readonly kind: 'garbage'; readonly at: number; readonly bytes: number }
  /** Overwrites the pool's own bytes, where a file's name and its digest are: the library empties such a file. */
  | { readonly kind: 'header' }
  /** Overwrites a text wherever it is, with one of the same length. */
  | { readonly kind: 'text'; readonly find: string; readonly replace: string }
  /** Cuts what SQLite sees. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'delete' }

/** Damages the files whose path ends so, which nobody may have open. */
export async function damageStored(bare: Page, ending: string, damage: Damage): Promise<number> {
  return bare.evaluate(
    async ({ ending, damage, headerBytes }) => {
      let damaged = 0
      const root = await navigator.storage.getDirectory()
      for await (const [name, directory] of root.entries()) {
        if (!name.startsWith('.dust-') || !(directory instanceof FileSystemDirectoryHandle)) continue
        const pool = await directory.getDirectoryHandle('.opaque')
        for await (const [opaque, handle] of pool.entries()) {
          if (!(handle instanceof FileSystemFileHandle)) continue
          const header = new Uint8Array(await (await handle.getFile()).slice(0, 512).arrayBuffer())
          const path = new TextDecoder().decode(header.subarray(0, header.indexOf(0)))
          if (!path.endsWith(ending)) continue
          damaged += 1
          if (damage.kind === 'delete') {
            await pool.removeEntry(opaque)
            continue
          }
          const writable = await handle.createWritable({ keepExistingData: true })
          if (damage.kind === 'text') {
            const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer())
            const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
            const data = new TextEncoder().encode(damage.replace)
            for (let at = text.indexOf(damage.find); at >= 0; at = text.indexOf(damage.find, at + 1))
              await writable.write({ type: 'write', position: at, data })
          } else if (damage.kind === 'truncate') await writable.truncate(headerBytes + damage.bytes)
          else {
            const { at, bytes } = damage.kind === 'header' ? { at: -headerBytes, bytes: headerBytes } : damage
            await writable.write({
              type: 'write',
              position: headerBytes + at,
              data: new Uint8Array(bytes).fill(0xa5),
            })
          }
          await writable.close()
        }
      }
      return damaged
    },
    { ending, damage, headerBytes: HEADER_BYTES },
  )
}

/** Removes all directories of Dust's from the origin's private file system. Nobody may have files in them open. */
export function removeStored(bare: Page): Promise<number> {
  return bare.evaluate(async () => {
    let removed = 0
    const root = await navigator.storage.getDirectory()
    for await (const name of root.keys()) {
      if (!name.startsWith('.dust-')) continue
      await root.removeEntry(name, { recursive: true })
      removed += 1
    }
    return removed
  })
}

/** The paths of ops that wait for the server, in their order, as the second copy in IndexedDB has them. */
export function listMirrored(bare: Page): Promise<string[]> {
  return bare.evaluate(async () => {
    const paths: string[] = []
    for (const { name = '' } of await indexedDB.databases()) {
      if (!name.startsWith('dust-')) continue
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name)
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
      const sheets = await new Promise<{ rows?: string }[]>((resolve, reject) => {
        const request = db
          .transaction('blocks')
          .objectStore('blocks')
          .getAll(IDBKeyRange.bound(['mirror'], ['mirror', []]))
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
      db.close()
      for (const { rows = '{}' } of sheets) {
        const { outbox = [] } = JSON.parse(rows)
        paths.push(...outbox.map(({ path }: { path: string }) => path))
      }
    }
    return paths
  })
}

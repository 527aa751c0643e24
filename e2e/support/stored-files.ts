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
          if (damage.kind === 'truncate') await writable.truncate(headerBytes + damage.bytes)
          else
            await writable.write({
              type: 'write',
              position: headerBytes + damage.at,
              data: new Uint8Array(damage.bytes).fill(0xa5),
            })
          await writable.close()
        }
      }
      return damaged
    },
    { ending, damage, headerBytes: HEADER_BYTES },
  )
}

import { UnavailableError } from '@dustlayer/protocol'
import type { Clock } from '@dustlayer/sync'
import { delMany, keys } from 'idb-keyval'
import { smallStore } from '../small-store.js'
import { withDeadline } from '../storage/deadline.js'
import { databaseName } from '../storage/idb.js'
import { directoryOf } from '../storage/opfs.js'
import { untilFree } from '../storage/until-free.js'

export interface WipeOptions {
  readonly instance: string
  readonly clock: Clock
  /** In [0, 1). */
  random(): number
}

/** A page ends a worker that hangs after ten seconds, and its files are free some time later. */
const DEADLINE_MS = 20_000

/**
 * Removes everything that an instance keeps on this device. Nobody may have it open.
 * @throws UnavailableError that tells what is left, when something still holds it after twenty seconds.
 */
export async function wipe(options: WipeOptions): Promise<void> {
  const { instance, clock } = options
  const parts = {
    'its files': removeFiles(options),
    'its keys': removeKeys(instance),
    'its database': removeDatabase(instance),
  }
  const left: string[] = []
  let cause: unknown
  for (const [what, removed] of Object.entries(parts)) {
    try {
      await withDeadline(removed, DEADLINE_MS, clock, `removing ${what}`)
    } catch (error) {
      left.push(what)
      cause = error
    }
  }
  if (left.length === 0) return
  throw new UnavailableError(
    `The local data could not be removed: ${left.join(', ')} could not be deleted. Close the other tabs of this site and call destroy() again.`,
    { left },
    { cause },
  )
}

async function removeFiles({ instance, clock, random }: WipeOptions): Promise<void> {
  if (!navigator.storage?.getDirectory) return
  const root = await navigator.storage.getDirectory().catch(unlessForbidden)
  if (!root) return
  const patience = new AbortController()
  const cancel = clock.setTimer(DEADLINE_MS, () => patience.abort())
  const waiting = { clock, random, signal: patience.signal, onWaiting: () => undefined }
  // Not by a common beginning: the name of another instance may begin with this one's.
  const directory = directoryOf(instance)
  try {
    for (const name of [directory, `${directory}-reserve`]) {
      await untilFree(() => root.removeEntry(name, { recursive: true }).catch(unlessMissing), waiting)
    }
  } finally {
    cancel()
  }
}

async function removeKeys(instance: string): Promise<void> {
  if (typeof indexedDB === 'undefined') return
  try {
    const isOwn = (key: IDBValidKey) => typeof key === 'string' && key.startsWith(`dust:${instance}:`)
    await delMany((await keys<IDBValidKey>(smallStore)).filter(isOwn), smallStore)
  } catch (error) {
    unlessForbidden(error)
  }
}

async function removeDatabase(instance: string): Promise<void> {
  if (typeof indexedDB === 'undefined') return
  try {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(databaseName(instance))
      request.onsuccess = () => resolve()
      request.onerror = () => reject(request.error)
    })
  } catch (error) {
    unlessForbidden(error)
  }
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
}

/** Where the page may not store, nothing is stored. Chromium has no name for that in IndexedDB, only a sentence. */
function unlessForbidden(error: unknown): undefined {
  if (!(error instanceof DOMException)) throw error
  if (error.name !== 'SecurityError' && !/denied permission/.test(error.message)) throw error
}

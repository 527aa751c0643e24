import type { UseStore } from 'idb-keyval'

/** Of all instances of the origin; their keys begin with `dust:`, the instance and a colon. */
const SMALL_DATABASE = 'dust'
const STORE = 'keys'

/**
 * For the few small things that must be there before SQLite is up. It is not idb-keyval's own database, which an app
 * that uses the library as well would empty with `clear()`; and it is open only while it is used, so that an app which
 * deletes its databases is not kept waiting.
 */
export const smallStore: UseStore = async (mode, callback) => {
  const db = await open()
  try {
    return await callback(db.transaction(STORE, mode).objectStore(STORE))
  } finally {
    // The browser does so when the transaction is over.
    db.close()
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    // Where storing is forbidden, Firefox throws here.
    const request = indexedDB.open(SMALL_DATABASE, 1)
    request.onupgradeneeded = () => void request.result.createObjectStore(STORE)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

import { del, get, update } from 'idb-keyval'
import { smallStore } from '../small-store.js'
import { createRecall, type Recall } from './recall.js'

const SETTLED_MS = 1_000

/** Remembers in IndexedDB, when the page is idle and before it goes. */
export function createBrowserRecall(instance: string): Recall {
  const off = new AbortController()
  const { signal } = off
  const pending = new Set<() => void>()
  // A page that is hidden may never be told that it ends.
  const hidden = (): void => {
    for (const run of pending) run()
    pending.clear()
  }
  addEventListener('pagehide', hidden, { signal })
  const visibility = (): void => {
    if (document.visibilityState === 'hidden') hidden()
  }
  document.addEventListener('visibilitychange', visibility, { signal })

  return createRecall({
    storage: {
      get: (key) => get(key, smallStore),
      update: (key, change) => update(key, change, smallStore),
      delete: (key) => del(key, smallStore),
    },
    instance,
    now: Date.now,
    ended: () => off.abort(),
    whenIdle(run) {
      const once = (): void => {
        if (pending.delete(once)) run()
      }
      pending.add(once)
      setTimeout(() => {
        // Safari has none.
        if (typeof requestIdleCallback === 'function') requestIdleCallback(once, { timeout: 5_000 })
        else once()
      }, SETTLED_MS)
    },
  })
}

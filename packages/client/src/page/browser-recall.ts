import { del, get, update } from 'idb-keyval'
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
    // Where storing is forbidden, Firefox throws at the call.
    storage: {
      get: async (key) => get(key),
      update: async (key, change) => update(key, change),
      delete: async (key) => del(key),
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

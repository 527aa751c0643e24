import type { Network, SyncClient } from '@dustlayer/sync'
import type { PageSignal } from '../tab/tab-protocol.js'

/** What the browser says about being online, from its own events and from the pages' signals. */
export interface BrowserNetwork extends Network {
  signal(signal: PageSignal, sync: SyncClient): void
}

export function createBrowserNetwork(): BrowserNetwork {
  const listeners = new Set<() => void>()
  let online = navigator.onLine

  const set = (now: boolean): void => {
    if (now === online) return
    online = now
    for (const listener of listeners) listener()
  }
  addEventListener('online', () => set(true))
  addEventListener('offline', () => set(false))

  return {
    online: () => online,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    signal(signal, sync) {
      if (signal === 'offline') {
        set(false)
        return
      }
      if (signal === 'reconnect') {
        sync.reconnect()
        return
      }
      if (signal === 'online') set(true)
      // A page may come back to a socket that died in its sleep: ask, do not believe.
      sync.probe()
    },
  }
}

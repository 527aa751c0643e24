import type { PageSignal } from '../tab/tab-protocol.js'

/** What a page's life means for its worker, which sees none of it by itself. */
export interface LifecycleHandlers {
  signal(signal: PageSignal): void
  /** The page goes into the back/forward cache, or is frozen: others must be able to take over. */
  suspend(): void
  resume(): void
}

/** Watches the page until the returned function is called. */
export function watchPage({ signal, suspend, resume }: LifecycleHandlers): () => void {
  const off = new AbortController()
  const on = (target: EventTarget, type: string, listener: (event: Event) => void): void =>
    target.addEventListener(type, listener, { signal: off.signal })

  on(window, 'online', () => signal('online'))
  on(window, 'offline', () => signal('offline'))
  on(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') signal('visible')
  })
  // Chromium; a page that is frozen while it is visible to nobody. What is posted here still reaches the worker.
  on(document, 'freeze', suspend)
  on(document, 'resume', () => {
    resume()
    signal('resumed')
  })
  on(window, 'pagehide', (event) => {
    if (isPersisted(event)) suspend()
  })
  on(window, 'pageshow', (event) => {
    if (!isPersisted(event)) return
    resume()
    signal('resumed')
  })
  return () => off.abort()
}

function isPersisted(event: Event): boolean {
  return event instanceof PageTransitionEvent && event.persisted
}

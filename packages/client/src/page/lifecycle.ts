import type { PageSignal } from '../tab/tab-protocol.js'

/** What a page's life means for its worker, which sees none of it by itself. */
export interface LifecycleHandlers {
  signal(signal: PageSignal): void
  /** The page goes into the back/forward cache: others must be able to take over. */
  suspend(): void
  /** From the next moment on nothing of this page runs, its worker included, whatever that holds. */
  freeze(): void
  resume(): void
}

/** Watches the page until the returned function is called. */
export function watchPage({ signal, suspend, freeze, resume }: LifecycleHandlers): () => void {
  const off = new AbortController()
  const on = (target: EventTarget, type: string, listener: (event: Event) => void): void =>
    target.addEventListener(type, listener, { signal: off.signal })

  on(window, 'online', () => signal('online'))
  on(window, 'offline', () => signal('offline'))
  const visibility = (): PageSignal => (document.visibilityState === 'visible' ? 'visible' : 'hidden')
  on(document, 'visibilitychange', () => signal(visibility()))
  if (visibility() === 'hidden') signal('hidden')
  // Chromium only: a hidden page, or one that has gone into the back/forward cache some milliseconds before.
  on(document, 'freeze', freeze)
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

/**
 * The lock that a worker holds for as long as it lives. No event tells a page that its worker has ended, but a lock is
 * free then.
 */

/** In the worker: resolves when the lock is held; false when this context has no locks. */
export function holdLife(lock: string): Promise<boolean> {
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(true)
      return new Promise(() => undefined)
    }
    requestLock(lock, {}, held).catch(() => resolve(false))
  })
}

/** In the page, when the worker holds the lock: calls back when it is free, unless the signal aborts before. */
export function watchLife(lock: string, signal: AbortSignal, onFree: () => void): void {
  // Rejected: aborted, or there are no locks.
  requestLock(lock, { signal }, onFree).catch(() => undefined)
}

/** In the page: resolves when the lock is free, which is some moments after `terminate()`. */
export async function lifeEnded(lock: string): Promise<void> {
  await requestLock(lock, {}, () => undefined).catch(() => undefined)
}

async function requestLock(lock: string, options: LockOptions, callback: () => unknown): Promise<void> {
  await navigator.locks.request(lock, options, callback)
}

/** Exclusive locks shared by the tabs of one origin. A lock is free again when its holder's worker is gone. */
export interface Locks {
  /**
   * Waits for the lock and holds it until the returned function is called.
   * @throws the signal's reason when it aborts while waiting.
   */
  acquire(name: string, signal?: AbortSignal): Promise<() => void>
  /** Names of the locks that are held now and start with the prefix. */
  held(prefix: string): Promise<string[]>
}

/** The browser's Web Locks. */
export function createWebLocks(manager: LockManager): Locks {
  return {
    acquire: (name, signal) =>
      new Promise((resolve, reject) => {
        const whenGranted = (): Promise<void> => new Promise((release) => resolve(release))
        manager.request(name, signal ? { signal } : {}, whenGranted).catch(reject)
      }),
    async held(prefix) {
      const { held = [] } = await manager.query()
      return held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name] : []))
    },
  }
}

/** Locks within one JavaScript realm, for tests and for pages that may not share (see `soloTab`). */
export function createLocalLocks(): Locks {
  const queues = new Map<string, (() => void)[]>()

  const release = (name: string): void => {
    const next = queues.get(name)?.shift()
    if (next) next()
    else queues.delete(name)
  }

  return {
    acquire: (name, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const grant = (): void => {
          signal?.removeEventListener('abort', giveUp)
          let held = true
          resolve(() => {
            if (held) release(name)
            held = false
          })
        }
        const giveUp = (): void => {
          const waiting = queues.get(name) ?? []
          queues.set(
            name,
            waiting.filter((other) => other !== grant),
          )
          reject(signal?.reason)
        }
        const waiting = queues.get(name)
        if (!waiting) {
          queues.set(name, [])
          grant()
          return
        }
        waiting.push(grant)
        signal?.addEventListener('abort', giveUp, { once: true })
      }),
    held: async (prefix) => [...queues.keys()].filter((name) => name.startsWith(prefix)),
  }
}

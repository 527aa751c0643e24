/** A lock that this worker holds. */
export interface HeldLock {
  release(): void
  /** Aborts when another worker has taken the lock away. */
  readonly lost: AbortSignal
}

/** Exclusive locks shared by the tabs of one origin. A lock is free again when its holder's worker is gone. */
export interface Locks {
  /**
   * Waits for the lock.
   * @throws the signal's reason when it aborts while waiting.
   */
  acquire(name: string, signal?: AbortSignal): Promise<HeldLock>
  /** Takes the lock at once, from whoever holds it. Who waits for it goes on waiting. */
  steal(name: string): Promise<HeldLock>
  /** Takes the lock if it is free. */
  tryAcquire(name: string): Promise<HeldLock | undefined>
  /** Names of the locks that are held now and start with the prefix; undefined where the browser does not tell. */
  held(prefix: string): Promise<string[] | undefined>
}

/** The browser's Web Locks. */
export function createWebLocks(manager: LockManager): Locks {
  const request = (name: string, options: LockOptions): Promise<HeldLock | undefined> =>
    new Promise((resolve, reject) => {
      const taken = new AbortController()
      let granted = false
      const whenGranted = (lock: Lock | null): Promise<void> | undefined => {
        if (!lock) {
          resolve(undefined)
          return undefined
        }
        granted = true
        return new Promise((release) => resolve({ release, lost: taken.signal }))
      }
      // After the grant this rejects only when another worker has stolen the lock.
      manager.request(name, options, whenGranted).catch((error: unknown) => {
        if (granted) taken.abort(error)
        else reject(error)
      })
    })

  /** Only requests with `ifAvailable` are answered without a lock. */
  const certain = async (lock: Promise<HeldLock | undefined>): Promise<HeldLock> => (await lock) as HeldLock

  return {
    acquire: (name, signal) => certain(request(name, signal ? { signal } : {})),
    steal: (name) => certain(request(name, { steal: true })),
    tryAcquire: (name) => request(name, { ifAvailable: true }),
    async held(prefix) {
      // Firefox refuses to tell iframes of other sites, to which it grants locks all the same.
      const state = await manager.query().catch(() => undefined)
      return state && (state.held ?? []).flatMap(({ name }) => (name?.startsWith(prefix) ? [name] : []))
    },
  }
}

interface LocalLock {
  holder: AbortController
  readonly waiting: (() => void)[]
}

/** Locks within one JavaScript realm, for tests and for pages that may not share their storage between tabs. */
export function createLocalLocks(): Locks {
  const locks = new Map<string, LocalLock>()

  /** Makes the caller the holder. */
  const grant = (name: string, lock: LocalLock): HeldLock => {
    const own = new AbortController()
    lock.holder = own
    return {
      lost: own.signal,
      release() {
        if (locks.get(name)?.holder !== own) return
        const next = lock.waiting.shift()
        // So that releasing twice is releasing once.
        lock.holder = new AbortController()
        if (next) next()
        else locks.delete(name)
      },
    }
  }

  const create = (name: string): HeldLock => {
    const lock = { holder: new AbortController(), waiting: [] }
    locks.set(name, lock)
    return grant(name, lock)
  }

  return {
    acquire: (name, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const lock = locks.get(name)
        if (!lock) {
          resolve(create(name))
          return
        }
        const take = (): void => {
          signal?.removeEventListener('abort', giveUp)
          resolve(grant(name, lock))
        }
        const giveUp = (): void => {
          lock.waiting.splice(lock.waiting.indexOf(take), 1)
          reject(signal?.reason)
        }
        lock.waiting.push(take)
        signal?.addEventListener('abort', giveUp, { once: true })
      }),
    async steal(name) {
      const lock = locks.get(name)
      if (!lock) return create(name)
      const before = lock.holder
      const stolen = grant(name, lock)
      before.abort(new DOMException('The lock was stolen.', 'AbortError'))
      return stolen
    },
    tryAcquire: async (name) => (locks.has(name) ? undefined : create(name)),
    held: async (prefix) => [...locks.keys()].filter((name) => name.startsWith(prefix)),
  }
}

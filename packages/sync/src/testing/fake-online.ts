import type { Network } from '../transport.js'

/** A machine whose network is switched by hand. */
export interface FakeOnline extends Network {
  set(online: boolean): void
  readonly listeners: number
}

export function createFakeOnline(): FakeOnline {
  const listeners = new Set<() => void>()
  let online = true
  return {
    online: () => online,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    set(next) {
      online = next
      for (const listener of [...listeners]) listener()
    },
    get listeners() {
      return listeners.size
    },
  }
}

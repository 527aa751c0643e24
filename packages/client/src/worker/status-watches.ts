/** Which tabs want a store's status whenever it changes. */
export interface StatusWatches {
  readonly empty: boolean
  add(tab: string, id: number): void
  remove(tab: string, id: number): void
  dropTab(tab: string): void
  /** The watch ids of each tab. */
  all(): Iterable<[tab: string, ids: readonly number[]]>
}

export function createStatusWatches(): StatusWatches {
  const watches = new Map<string, Set<number>>()
  return {
    get empty() {
      return watches.size === 0
    },
    add(tab, id) {
      const ids = watches.get(tab) ?? new Set()
      watches.set(tab, ids.add(id))
    },
    remove(tab, id) {
      const ids = watches.get(tab)
      ids?.delete(id)
      if (ids?.size === 0) watches.delete(tab)
    },
    dropTab: (tab) => {
      watches.delete(tab)
    },
    *all() {
      for (const [tab, ids] of watches) yield [tab, [...ids]]
    },
  }
}

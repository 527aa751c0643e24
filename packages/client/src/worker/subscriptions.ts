import { createPatternIndex, type PatternIndex, parsePath, parsePattern } from '@dustlayer/protocol'
import type { DustEvent } from '@dustlayer/replica'
import type { Subscription, SubscriptionMode } from '../tab/tab-protocol.js'

/** The subscriptions of all tabs to one store. */
export interface Subscriptions {
  /** A subscription with the same tab and id is replaced. */
  add(tab: string, subscription: Subscription): void
  remove(tab: string, id: number): void
  dropTab(tab: string): void
  /** Who wants the event: the subscription ids of each tab. */
  route(event: DustEvent): Map<string, number[]>
}

interface Registration {
  readonly tab: string
  readonly id: number
  readonly mode: SubscriptionMode
}

export function createSubscriptions(): Subscriptions {
  const index: PatternIndex<Registration> = createPatternIndex()
  const removers = new Map<string, Map<number, () => void>>()

  const remove = (tab: string, id: number): void => {
    const ofTab = removers.get(tab)
    ofTab?.get(id)?.()
    ofTab?.delete(id)
    if (ofTab?.size === 0) removers.delete(tab)
  }

  return {
    add(tab, { id, pattern, mode }) {
      remove(tab, id)
      const unindex = index.add(parsePattern(pattern), { tab, id, mode })
      const ofTab = removers.get(tab) ?? new Map<number, () => void>()
      removers.set(tab, ofTab.set(id, unindex))
    },
    remove,
    dropTab(tab) {
      for (const unindex of removers.get(tab)?.values() ?? []) unindex()
      removers.delete(tab)
    },
    route(event) {
      const wanted = new Map<string, number[]>()
      if (removers.size === 0) return wanted
      for (const { tab, id, mode } of index.match(parsePath(event.path))) {
        if (!wants(mode, event)) continue
        const ids = wanted.get(tab)
        if (ids) ids.push(id)
        else wanted.set(tab, [id])
      }
      return wanted
    },
  }
}

/** The table of spec/semantics.md §9.3: an own write shows once, either when made or when committed. */
export function wants(mode: SubscriptionMode, event: DustEvent): boolean {
  if (event.error || event.source === 'local') return mode !== 'committed'
  if (event.own) return mode === 'committed'
  return mode !== 'optimistic'
}

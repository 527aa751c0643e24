import {
  createPatternIndex,
  type Pattern,
  type PatternIndex,
  parsePath,
  parsePattern,
} from '@dustlayer/protocol'
import { type DustEvent, type Interest, interestOf, wantsEvent } from '@dustlayer/replica'
import type { Subscription } from '../tab/calls.js'

/** A subscription, its pattern parsed, and the tab it belongs to. */
export interface Subscriber extends Subscription {
  readonly tab: string
  readonly parsed: Pattern
}

/** The subscriptions of all tabs to one store. */
export interface Subscriptions {
  /** A subscription with the same tab and id is replaced. */
  add(tab: string, subscription: Subscription): void
  remove(tab: string, id: number): void
  dropTab(tab: string): void
  /** Who wants the event. */
  route(event: DustEvent): Subscriber[]
  /** What the replica must tell: paths that somebody listens to. */
  readonly interest: Interest
  all(): Iterable<Subscriber>
  /** The tabs that have subscriptions. */
  tabs(): Iterable<string>
}

export function createSubscriptions(): Subscriptions {
  const index: PatternIndex<Subscriber> = createPatternIndex()
  const registered = new Map<
    string,
    Map<number, { readonly subscriber: Subscriber; readonly unindex: () => void }>
  >()

  const remove = (tab: string, id: number): void => {
    const ofTab = registered.get(tab)
    ofTab?.get(id)?.unindex()
    ofTab?.delete(id)
    if (ofTab?.size === 0) registered.delete(tab)
  }

  return {
    add(tab, subscription) {
      const { id, pattern } = subscription
      remove(tab, id)
      const parsed = parsePattern(pattern)
      const subscriber = { ...subscription, tab, parsed }
      const unindex = index.add(parsed, subscriber)
      const ofTab = registered.get(tab) ?? new Map()
      registered.set(tab, ofTab.set(id, { subscriber, unindex }))
    },
    remove,
    dropTab(tab) {
      for (const { unindex } of registered.get(tab)?.values() ?? []) unindex()
      registered.delete(tab)
    },
    route(event) {
      if (index.size === 0) return []
      return index.match(parsePath(event.path)).filter(({ mode, parsed }) => wantsEvent(mode, event, parsed))
    },
    interest: interestOf(index, ({ parsed }) => parsed),
    *all() {
      for (const ofTab of registered.values()) for (const { subscriber } of ofTab.values()) yield subscriber
    },
    tabs: () => registered.keys(),
  }
}

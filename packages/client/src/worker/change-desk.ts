import { parsePattern } from '@dustlayer/protocol'
import type { DustEvent, EntryData, ForetoldListener, Replica } from '@dustlayer/replica'
import type { LiveQuery, Subscription } from '../tab/calls.js'
import { cameTrue } from '../tab/foretold.js'
import type { Foretelling, Position, RoutedEvent } from '../tab/news.js'
import { createLiveQueries } from './live.js'
import type { Postbox } from './postbox.js'
import type { Subscriber, Subscriptions } from './subscriptions.js'

/** What a tab listens to in one store, and where the store stood when it last heard of it. */
export interface Listening {
  readonly subscriptions: readonly Subscription[]
  readonly liveQueries: readonly LiveQuery[]
  readonly seen: Position | undefined
  /** What leaders have foretold it since. */
  readonly foretold: readonly Omit<Foretelling, 'events'>[]
}

/** Tells the tabs what changes in one store: each what it has subscribed to, and no more than it can take. */
export interface ChangeDesk {
  subscribe(tab: string, subscription: Subscription): void
  unsubscribe(tab: string, id: number): void
  live(tab: string, query: LiveQuery): void
  unlive(tab: string, id: number): void
  /** Takes over what a tab had registered with an earlier leader. */
  adopt(tab: string, listening: Listening): void
  dropTab(tab: string): void
  /** The tab has taken something in. */
  goOn(tab: string): void
  close(): void
}

export interface ChangeDeskOptions {
  readonly store: string
  readonly replica: Replica
  readonly subscriptions: Subscriptions
  readonly postbox: Postbox
}

/** So many events may be on their way to any subscription: messages take a while also to a tab that is awake. */
const UNDER_WAY = 1_000

/** Fewer messages are no sign that a page does not keep up, however much is in each: thousands of writes come in a few. */
const MESSAGES_UNDER_WAY = 32

const NOTHING_FORETOLD = { events: [], byTab: new Map<string, Foretelling>() }

export function createChangeDesk({ store, replica, subscriptions, postbox }: ChangeDeskOptions): ChangeDesk {
  const live = createLiveQueries({ replica, postbox })

  /** Without what was kept back, the tab does not know the store as it is. */
  const tellPosition = (...tabs: readonly string[]): void => {
    const position = { store, at: replica.position() }
    for (const tab of tabs) if (!live.keepsBack(tab)) postbox.position(tab, position)
  }

  /** Reading what is there and registering happen in one turn, so nothing is missed and nothing comes twice. */
  const tellPresent = (tab: string, { id, pattern, mode }: Subscription): void => {
    const parsed = parsePattern(pattern)
    const page = mode === 'committed' ? replica.enumConfirmed(parsed) : replica.enum(parsed)
    // Without `select` a listing's items are entries.
    postbox.present(tab, { to: id, store, entries: page.items as readonly EntryData[] })
  }

  const drop = (tab: string, id: number): void => {
    subscriptions.remove(tab, id)
    postbox.dropped(tab, id)
  }

  const keepsUp = ({ tab, id, maxQueueSize }: Subscriber): boolean =>
    postbox.unconfirmedMessages(tab) < MESSAGES_UNDER_WAY ||
    postbox.unconfirmed(tab, id) < Math.max(maxQueueSize, UNDER_WAY)

  /** Of the newest transaction, which may have been rolled back: its events, and what tabs were told of them. */
  let foretold: { readonly events: readonly DustEvent[]; readonly byTab: ReadonlyMap<string, Foretelling> } =
    NOTHING_FORETOLD

  /** Should this leader die once it has committed and before it has told, the tabs have it all the same. */
  const foretell: ForetoldListener = (events, move) => {
    const byTab = new Map<string, RoutedEvent[]>()
    for (const tab of subscriptions.tabs()) if (postbox.foretells(tab)) byTab.set(tab, [])
    if (byTab.size === 0) return
    for (const event of events) {
      for (const subscriber of subscriptions.route(event)) {
        const ofTab = keepsUp(subscriber) ? byTab.get(subscriber.tab) : undefined
        const last = ofTab?.at(-1)
        if (last?.event === event) ofTab?.splice(-1, 1, { event, to: [...last.to, subscriber.id] })
        else ofTab?.push({ event, to: [subscriber.id] })
      }
    }
    const told = Array.from(
      byTab,
      ([tab, routed]) => [tab, postbox.foretell(tab, { store, ...move, events: routed })] as const,
    )
    foretold = { events, byTab: new Map(told) }
  }

  const tellEvents = (events: readonly DustEvent[]): void => {
    const { byTab } = foretold.events === events ? foretold : NOTHING_FORETOLD
    for (const [tab, foretelling] of byTab) {
      if (foretelling.events.length > 0) postbox.cameTrue(tab, foretelling)
    }
    for (const event of events) {
      for (const subscriber of subscriptions.route(event)) {
        const { tab, id } = subscriber
        if (!keepsUp(subscriber)) drop(tab, id)
        else if (!byTab.has(tab)) postbox.event(tab, event, id)
      }
    }
  }

  /** Changes are not known one by one: who would be left with a gap starts over. */
  const startOver = (subscribers: Iterable<{ tab: string } & Subscription>): void => {
    for (const subscriber of subscribers) {
      if (subscriber.watch) tellPresent(subscriber.tab, subscriber)
      else if (subscriber.gapless) drop(subscriber.tab, subscriber.id)
    }
  }

  const stopEvents = replica.onEvents((events, { incomplete }) => {
    tellEvents(events)
    if (incomplete) startOver([...subscriptions.all()])
    // An op may have changed nothing.
    tellPosition(...subscriptions.tabs())
  })
  const stopForetelling = replica.onForetold(foretell)
  const stopTouched = replica.onTouched((touched) => {
    live.touched(touched)
    tellPosition(...new Set([...subscriptions.tabs(), ...live.tabs()]))
  })

  return {
    subscribe(tab, subscription) {
      subscriptions.add(tab, subscription)
      if (subscription.watch) tellPresent(tab, subscription)
      tellPosition(tab)
    },
    unsubscribe: subscriptions.remove,
    live(tab, query) {
      live.add(tab, query)
      tellPosition(tab)
    },
    unlive: live.remove,
    adopt(tab, { subscriptions: adopted, liveQueries, seen, foretold: open }) {
      const missed = cameTrue(seen?.at, open, replica.position())
      const level = missed?.length === 0
      for (const subscription of adopted) subscriptions.add(tab, subscription)
      for (const query of liveQueries) {
        if (level) live.resume(tab, query)
        else live.add(tab, query)
      }
      if (missed) for (const id of missed) postbox.cameTrue(tab, { id })
      else startOver(adopted.map((subscription) => ({ tab, ...subscription })))
      if (adopted.length + liveQueries.length > 0) tellPosition(tab)
    },
    dropTab(tab) {
      subscriptions.dropTab(tab)
      live.dropTab(tab)
    },
    goOn(tab) {
      if (!live.keepsBack(tab)) return
      live.goOn(tab)
      tellPosition(tab)
    },
    close() {
      stopEvents()
      stopForetelling()
      stopTouched()
    },
  }
}

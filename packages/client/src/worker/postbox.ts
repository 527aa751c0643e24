import type { DustEvent } from '@dustlayer/replica'
import type { CallResult } from '../tab/calls.js'
import type {
  CameTrue,
  Foretelling,
  LiveUpdate,
  Position,
  Presence,
  RoutedEvent,
  SettledWrite,
} from '../tab/news.js'
import type { StoreReport } from '../tab/status-report.js'
import { createBacklog } from './backlog.js'

/** The contents of one message to one tab. */
export interface Parcel {
  readonly flush: number
  readonly answers: { batch: number; results: readonly CallResult[] }[]
  readonly positions: Position[]
  readonly present: Presence[]
  readonly events: (RoutedEvent | CameTrue)[]
  readonly live: LiveUpdate[]
  readonly dropped: number[]
  readonly settled: SettledWrite[]
  readonly reports: { to: readonly number[]; report: StoreReport }[]
}

/** Collects what is for each tab, so that one turn of the leader is one message to each. */
export interface Postbox {
  answer(tab: string, batch: number, results: readonly CallResult[]): void
  present(tab: string, presence: Presence): void
  event(tab: string, event: DustEvent, to: number): void
  /** Whether the tab can be foretold anything: not one that dies with this leader, or that takes nothing in. */
  foretells(tab: string): boolean
  /** Sends it at once. */
  foretell(tab: string, foretelling: Omit<Foretelling, 'id'>): Foretelling
  /** What the tab was foretold, by this leader or one before, has come true. `events`: as far as this one knows. */
  cameTrue(tab: string, foretelling: Pick<Foretelling, 'id'> & Partial<Pick<Foretelling, 'events'>>): void
  live(tab: string, update: LiveUpdate): void
  dropped(tab: string, subscription: number): void
  settled(tab: string, settled: SettledWrite): void
  /** Replaces an undelivered report of the same store. Waits when the tab takes nothing in. */
  report(tab: string, report: StoreReport, to: readonly number[]): void
  /** Replaces an undelivered position of the same store. Left out when the tab takes nothing in. */
  position(tab: string, position: Position): void
  /** How many events or updates for a subscription of the tab were sent and not confirmed by its page. */
  unconfirmed(tab: string, subscription: number): number
  /** In how many messages events and updates are that the tab's page has not confirmed. */
  unconfirmedMessages(tab: string): number
  /** The tab has told what it has taken in. */
  received(tab: string, receipt: { readonly confirmed: number; readonly received: number }): void
  dropTab(tab: string): void
  /** Delivers what is there now, in place of at the end of the turn. */
  flush(): void
}

/** A tab that is so many messages behind gets only what it must; it may be frozen. */
const LAGGING_AFTER = 256

/** The ways to the tabs. */
export interface PostboxOptions {
  deliver(tab: string, parcel: Parcel): void
  /** For what may not wait for the end of the turn. */
  foretell(tab: string, foretelling: Foretelling): void
  /** In this leader's own worker. */
  readonly ownTab: string
  /** This leader's name, which no other has. */
  readonly leader: string
}

export function createPostbox({ deliver, foretell, ownTab, leader }: PostboxOptions): Postbox {
  const backlog = createBacklog()
  let parcels = new Map<string, Parcel>()
  /** Events that the parcels stand for and do not hold. */
  let foretold = new Map<string, RoutedEvent[]>()
  let foretellings = 0
  /** Reports that wait for a tab to take something in, by store. */
  const held = new Map<string, Map<string, Parcel['reports'][number]>>()

  const flush = (): void => {
    const [full, unheld] = [parcels, foretold]
    parcels = new Map()
    foretold = new Map()
    for (const [tab, parcel] of full) {
      backlog.sent(tab, parcel.flush, countsOf(parcel, unheld.get(tab) ?? []))
      deliver(tab, parcel)
    }
  }

  const parcelFor = (tab: string): Parcel => {
    const existing = parcels.get(tab)
    if (existing) return existing
    if (parcels.size === 0) queueMicrotask(flush)
    const parcel: Parcel = {
      flush: backlog.next(tab),
      answers: [],
      positions: [],
      present: [],
      events: [],
      live: [],
      dropped: [],
      settled: [],
      reports: [],
    }
    parcels.set(tab, parcel)
    return parcel
  }

  const lagging = (tab: string): boolean => backlog.underway(tab) > LAGGING_AFTER

  const report: Postbox['report'] = (tab, report, to) => {
    if (lagging(tab)) {
      const ofTab = held.get(tab) ?? new Map<string, Parcel['reports'][number]>()
      held.set(tab, ofTab.set(report.store, { to, report }))
      return
    }
    const { reports } = parcelFor(tab)
    const stale = reports.findIndex((other) => other.report.store === report.store)
    if (stale >= 0) reports.splice(stale, 1)
    reports.push({ to, report })
  }

  return {
    answer: (tab, batch, results) => void parcelFor(tab).answers.push({ batch, results }),
    present: (tab, presence) => void parcelFor(tab).present.push(presence),
    event(tab, event, to) {
      const { events } = parcelFor(tab)
      const last = events.at(-1)
      if (last && 'event' in last && last.event === event)
        events[events.length - 1] = { event, to: [...last.to, to] }
      else events.push({ event, to: [to] })
    },
    foretells: (tab) => tab !== ownTab && !lagging(tab),
    foretell(tab, foretelling) {
      const numbered = { ...foretelling, id: `${leader}:${++foretellings}` }
      foretell(tab, numbered)
      return numbered
    },
    cameTrue(tab, { id, events = [] }) {
      parcelFor(tab).events.push({ foretold: id })
      const ofTab = foretold.get(tab)
      if (ofTab) for (const one of events) ofTab.push(one)
      else foretold.set(tab, [...events])
    },
    live: (tab, update) => void parcelFor(tab).live.push(update),
    dropped: (tab, subscription) => void parcelFor(tab).dropped.push(subscription),
    settled: (tab, settled) => void parcelFor(tab).settled.push(settled),
    report,
    position(tab, position) {
      if (lagging(tab)) return
      const { positions } = parcelFor(tab)
      const stale = positions.findIndex((other) => other.store === position.store)
      if (stale >= 0) positions.splice(stale, 1)
      positions.push(position)
    },
    unconfirmed: backlog.unconfirmed,
    unconfirmedMessages: backlog.unconfirmedMessages,
    received(tab, receipt) {
      backlog.received(tab, receipt)
      if (lagging(tab)) return
      const waiting = held.get(tab)
      held.delete(tab)
      for (const { report: latest, to } of waiting?.values() ?? []) report(tab, latest, to)
    },
    dropTab(tab) {
      backlog.dropTab(tab)
      held.delete(tab)
    },
    flush,
  }
}

/** How much of the parcel is for each subscription. */
function countsOf({ events, live }: Parcel, foretold: readonly RoutedEvent[]): Map<number, number> {
  const counts = new Map<number, number>()
  const count = (id: number, items: number): void => void counts.set(id, (counts.get(id) ?? 0) + items)
  for (const one of [...events, ...foretold]) if ('to' in one) for (const id of one.to) count(id, 1)
  for (const { to, put, removed } of live) count(to, Math.max(put.length + removed.length, 1))
  return counts
}

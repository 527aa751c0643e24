import type { DustEvent } from '@dustlayer/replica'
import type { CallResult, RoutedEvent, SettledWrite, StoreReport } from '../tab/tab-protocol.js'

/** The contents of one message to one tab. */
export interface Parcel {
  readonly answers: { batch: number; results: readonly CallResult[] }[]
  readonly events: RoutedEvent[]
  readonly settled: SettledWrite[]
  readonly reports: { to: readonly number[]; report: StoreReport }[]
}

/** Collects what is for each tab, so that one turn of the leader is one message to each. */
export interface Postbox {
  answer(tab: string, batch: number, results: readonly CallResult[]): void
  event(tab: string, event: DustEvent, to: readonly number[]): void
  settled(tab: string, settled: SettledWrite): void
  /** Replaces an undelivered report of the same store. */
  report(tab: string, report: StoreReport, to: readonly number[]): void
  /** Delivers what is there now, in place of at the end of the turn. */
  flush(): void
}

export function createPostbox(deliver: (tab: string, parcel: Parcel) => void): Postbox {
  let parcels = new Map<string, Parcel>()

  const flush = (): void => {
    const full = parcels
    parcels = new Map()
    for (const [tab, parcel] of full) deliver(tab, parcel)
  }

  const parcelFor = (tab: string): Parcel => {
    const existing = parcels.get(tab)
    if (existing) return existing
    if (parcels.size === 0) queueMicrotask(flush)
    const parcel: Parcel = { answers: [], events: [], settled: [], reports: [] }
    parcels.set(tab, parcel)
    return parcel
  }

  return {
    answer: (tab, batch, results) => parcelFor(tab).answers.push({ batch, results }),
    event: (tab, event, to) => parcelFor(tab).events.push({ event, to }),
    settled: (tab, settled) => parcelFor(tab).settled.push(settled),
    report(tab, report, to) {
      const { reports } = parcelFor(tab)
      const stale = reports.findIndex((other) => other.report.store === report.store)
      if (stale >= 0) reports.splice(stale, 1)
      reports.push({ to, report })
    },
    flush,
  }
}

import type { DustEvent, EntryData, Verdict } from '@dustlayer/replica'
import type { StoreReport } from './status-report.js'

/** What matches a `watch` now, to begin with or after events may have been lost. */
export interface Presence {
  readonly to: number
  readonly store: string
  readonly entries: readonly EntryData[]
}

/** What has changed in the result of a live query. */
export interface LiveUpdate {
  readonly to: number
  /** `put` is all there is, and what is not among it has gone. */
  readonly full: boolean
  readonly put: readonly EntryData[]
  /** One for each of `put`: nodes with equal prints are equal. */
  readonly prints: readonly number[]
  readonly removed: readonly string[]
}

/** Where a store's visible state stood. Equal positions, equal states. */
export interface Position {
  readonly store: string
  readonly at: string
}

/** An event and the subscriptions of the tab that it is for. */
export interface RoutedEvent {
  readonly event: DustEvent
  readonly to: readonly number[]
}

/**
 * What a leader is about to commit, told before it does: should it die before it can say that it has, the tab has it,
 * and where the store stands tells the next leader whether it came true.
 */
export interface Foretelling {
  readonly store: string
  /** No other of the instance has it. */
  readonly id: string
  /** Where the store stands before and after, see {@link Position}. */
  readonly from: string
  readonly at: string
  readonly events: readonly RoutedEvent[]
}

/** A foretelling that has come true. */
export interface CameTrue {
  readonly foretold: string
}

export interface SettledWrite {
  readonly opId: string
  /** Undefined: the replica no longer knows the op. */
  readonly verdict: Exclude<Verdict, { state: 'pending' }> | undefined
}

/** What one flush of the leader brings to a tab beside the answers to its calls. */
export interface News {
  /** Which flush it is, for {@link Receipt}. */
  readonly flush: number
  readonly leader: string
  /** Told before the events. */
  readonly present: readonly Presence[]
  readonly events: readonly RoutedEvent[]
  readonly live: readonly LiveUpdate[]
  /** Subscriptions that were dropped, because the page did not keep up. */
  readonly dropped: readonly number[]
  readonly settled: readonly SettledWrite[]
  readonly reports: readonly { readonly to: readonly number[]; readonly report: StoreReport }[]
}

/** The page has taken in everything up to that flush of that leader. */
export interface Receipt {
  readonly leader: string
  readonly flush: number
}

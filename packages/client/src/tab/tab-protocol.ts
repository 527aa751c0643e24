import type { ErrorData } from '@dustlayer/protocol'
import type { Call, CallResult, LiveQuery, StatusWatch, Subscription } from './calls.js'
import type { CameTrue, Foretelling, News, Position, RoutedEvent } from './news.js'

/**
 * The messages between the workers of an instance. What pages ask (`calls.ts`) and are told (`news.ts`) travels in them.
 * All of it is plain data that a structured clone carries. Change {@link TAB_PROTOCOL} with any change that an older tab would misread; only
 * {@link Build}, `from` and the names of the channels stay for ever, so that builds can tell each other apart.
 */
export const TAB_PROTOCOL = 4

/** What tabs must have in common to work together; a part of every message between them. */
export interface Build {
  /** {@link TAB_PROTOCOL}. */
  readonly v: number
  /** The version of the database's schema. */
  readonly schema: number
}

/** A write whose verdict a tab still waits for. */
export interface AwaitedWrite {
  readonly store: string
  readonly opId: string
}

/**
 * Things that a page notices and no worker does. The leader's sync client must know at once of all but `hidden`, which
 * concerns the page's own worker, see `Visibility`.
 */
export type PageSignal = 'online' | 'offline' | 'visible' | 'hidden' | 'resumed' | 'reconnect' | 'persisted'

/** What a tab tells a leader about itself. */
export interface Hello {
  /**
   * Whose local copy the tab has shown: the device id that the copy has for as long as it lives, so that there is
   * another one, or none, once the data was removed. Null before a leader has told it, and where it cannot be kept.
   */
  readonly device: string | null
  readonly subscriptions: readonly Subscription[]
  readonly liveQueries: readonly LiveQuery[]
  /** Where the stores stood when the tab last heard of them. */
  readonly seen: readonly Position[]
  /** What leaders have foretold since, oldest first. */
  readonly foretold: readonly Omit<Foretelling, 'events'>[]
  readonly statusWatches: readonly StatusWatch[]
  readonly awaited: readonly AwaitedWrite[]
}

/** From a tab to the leader; `to` is null when the tab does not know who leads. */
export type ToLeader = Build & { readonly from: string; readonly to: string | null } & (
    | ({
        /** First message to a leader, and answer to its announcement: all it needs to know about the tab. */
        readonly kind: 'hello'
        readonly paused: boolean
        /** The tab may be served only by who keeps things on this device. */
        readonly persistent: boolean
      } & Hello)
    /** The tab wants its instance off the network, or no longer. */
    | { readonly kind: 'pause'; readonly paused: boolean }
    | {
        readonly kind: 'calls'
        readonly batch: number
        readonly calls: readonly Call[]
        /** Sent before, to a leader that did not answer. */
        readonly again: boolean
      }
    /** The tab waits for these no longer. A leader that does not serve yet drops them, and says so. */
    | { readonly kind: 'forget'; readonly batches: readonly number[] }
    | { readonly kind: 'signal'; readonly signal: PageSignal }
    /** Flushes up to `confirmed` were taken in by the page, those up to `received` have reached its worker. */
    | { readonly kind: 'received'; readonly confirmed: number; readonly received: number }
    /** The tab has heard nothing for a while: the leader shows that it is alive. */
    | { readonly kind: 'ping' }
    /** The tab has followed a leader of a later epoch than this one says to be. */
    | { readonly kind: 'late'; readonly epoch: number }
    | { readonly kind: 'bye' }
  )

/** From the leader to one tab. */
export type ToTab = Build & { readonly leader: string; readonly epoch: number } & (
    | { readonly kind: 'welcome' }
    /** The leader cannot serve yet, and says why. */
    | { readonly kind: 'waiting'; readonly error: ErrorData }
    /** The leader serves, from now on. `device` as in {@link Hello}. */
    | { readonly kind: 'serving'; readonly device: string | null }
    /** These have not been run, and never will be. */
    | { readonly kind: 'forgotten'; readonly batches: readonly number[] }
    /**
     * The browser has removed the site's data. Chromium forgets locks with it: a worker of before and one of after do
     * not see each other's, so all begin anew.
     */
    | { readonly kind: 'restart' }
    | ({
        readonly kind: 'flush'
        readonly answers: readonly { readonly batch: number; readonly results: readonly CallResult[] }[]
        /** Where stores stand that the tab listens to, when everything about it has been sent. */
        readonly positions: readonly Position[]
        readonly events: readonly (RoutedEvent | CameTrue)[]
      } & Omit<News, 'events'>)
    /** Something is about to be committed. */
    | ({ readonly kind: 'foretell' } & Foretelling)
    /** The tab is of an older build than the leader: its header says which the leader is. */
    | { readonly kind: 'outdated' }
  )

/** To all tabs of the instance. */
export type Announcement = Build &
  (
    | {
        /** From the leader: when it begins, and then again and again as a sign of life. */
        readonly kind: 'leader'
        readonly leader: string
        /** Grows with each leader of the instance. */
        readonly epoch: number
        /** It works on something that it cannot interrupt, and may be silent for longer than usual. */
        readonly busy: boolean
      }
    /** From a tab that has just come: older builds make way. */
    | { readonly kind: 'arrival' }
    /** From a leader that cannot open the files: a worker that has led before may have them without knowing. */
    | { readonly kind: 'release' }
    /** From a tab that is about to remove the instance's data: all end. */
    | { readonly kind: 'destroy' }
    /** From the same, again and again while it removes it: who has shown the data ends, who has just come waits. */
    | { readonly kind: 'destroying' }
  )

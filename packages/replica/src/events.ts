import type { ErrorData, JsonValue, OpName } from '@dustlayer/protocol'

/**
 * What a subscriber is told about one op (spec/semantics.md §9.3). An op on a map is one event at the op's path,
 * never one for each leaf.
 */
export interface DustEvent {
  readonly store: string
  readonly path: string
  readonly op: OpName
  /** Committed: the materialised value (total, member list). Local: the argument. null for delete, release, rejection. */
  readonly value: JsonValue
  /** Whether the server has put the op into its log. */
  readonly committed: boolean
  /** `local`: applied optimistically by this client. `server`: learned from the server. */
  readonly source: 'local' | 'server'
  /** Whether this client issued the op. */
  readonly own: boolean
  readonly clientOpId?: string
  readonly deviceId?: string
  /** The op's place in the store's log; committed events only. */
  readonly storeSeq?: number
  /** Delivered while catching up rather than live. */
  readonly catchUp: boolean
  /** Set when the server refused an own op; its effect has been undone. */
  readonly error?: ErrorData
}

/** What became of an own write. */
export type Verdict =
  | { readonly state: 'pending' }
  | { readonly state: 'committed'; readonly revision: number }
  | { readonly state: 'rejected'; readonly error: ErrorData }

import type { EntryType, ErrorData, JsonValue, OpName } from '@dustlayer/protocol'

/**
 * What subscribers to a store are told. This is the whole contract; `wantsEvent` and `foldEvent` are its two rules
 * as functions.
 *
 * **What is told.** Three kinds of events, each at one `path`:
 * - *An op* (neither `cause` nor `correctionFor`): one event at the op's path, however many leaves it changes. An own
 *   op is told when it is issued (`source: 'local'`), when the server's log brings it (`committed`), and when the
 *   server refuses it (`error`; what the refusal restored is told by corrections).
 * - *A consequence* (`cause`): an op at an ancestor, or a snapshot, has changed this path. `op` is `set` with what is
 *   there now, or `delete`. Otherwise it is like the op's own event: local or committed, own or not.
 * - *A correction* (`correctionFor`): what the server said makes this path look otherwise than the events before let
 *   expect: a result that differs from the optimistic one, a foreign write beneath a pending one, a refusal. `op` is
 *   `set` with what is visible now, or `delete`. Corrections follow the other events of their transaction.
 *
 * **Who is told.** Subscribers whose pattern matches `path`, by mode:
 *
 * | mode         | local | committed, own | committed, foreign | refusal | correction |
 * | ------------ | ----- | -------------- | ------------------ | ------- | ---------- |
 * | `all`        | yes   |                | yes                | yes     | yes        |
 * | `committed`  |       | yes            | yes                |         |            |
 * | `optimistic` | yes   |                |                    | yes     | yes        |
 *
 * Two exceptions keep one change from being told twice. Who is told of an op at its own path is not told of its
 * consequences, which follow from it. And as in a listing, a pattern with `**` is about leaves: only patterns of one
 * depth are told of consequences and corrections at nodes between (`set` with an assembled map).
 *
 * **Order.** Ops are told in the order in which they take effect here; committed ones in store_seq order. The
 * changes of a snapshot come together, in path order; each has the revision of its entry as `storeSeq`.
 *
 * **Folding.** Who begins with the leaves that are there and folds every event (`foldEvent`) has at the end of each
 * flush exactly the leaves whose paths match: the visible ones in mode `all`, the confirmed ones in mode `committed`.
 * Mode `optimistic` has no such state. The guarantee is about leaves: a write below a node is an event at its own
 * path and says nothing to patterns that match only the node.
 */
export interface DustEvent {
  readonly store: string
  readonly path: string
  readonly op: OpName
  /**
   * Committed: the materialised value (total, member list). Local: the argument. With `cause` or `correctionFor`: what
   * is at the path now. null for delete, release, rejection.
   */
  readonly value: JsonValue
  /**
   * The type of the leaf that `value` is. With `cause` or `correctionFor` `map` says that the event is about a node, also
   * about one that is gone. Absent where `value` is an argument, or none.
   */
  readonly entryType?: EntryType
  /** Where `value` is an assembled map: the paths of the set leaves in it, relative to `path`. */
  readonly sets?: readonly string[]
  /** Whether the server has put the op into its log. */
  readonly committed: boolean
  /** `local`: applied optimistically by this client. `server`: learned from the server. */
  readonly source: 'local' | 'server'
  /** Whether the op was issued here. Committed: whether it was pending here until now. */
  readonly own: boolean
  readonly clientOpId?: string
  readonly deviceId?: string
  /** The op's place in the store's log; committed events only. */
  readonly storeSeq?: number
  /** Delivered while catching up rather than live. */
  readonly catchUp: boolean
  /** Set when the server refused an own op; its effect has been undone. */
  readonly error?: ErrorData
  /** What changed this path, where that was no op at the path itself. */
  readonly cause?: EventCause
  /** The own op whose optimistic effect, as told before, is not what is visible now. */
  readonly correctionFor?: string
}

/** An op at an ancestor of the event's path; for a `snapshot` the path is '', which stands for the whole store. */
export interface EventCause {
  readonly op: OpName | 'snapshot'
  readonly path: string
  readonly clientOpId?: string
}

/** What became of an own write. */
export type Verdict =
  | { readonly state: 'pending' }
  | { readonly state: 'committed'; readonly revision: number }
  | { readonly state: 'rejected'; readonly error: ErrorData }

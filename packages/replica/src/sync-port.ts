import type { DustError, EntryType, JsonValue, StoreEventPayload, WritePayload } from '@dustlayer/protocol'
import type { Steps } from './steps.js'

/** The batch that a pending op belongs to. Its ops are neighbours in the outbox. */
export interface BatchMark {
  readonly id: string
  /** How many ops the batch has; all of them are in the outbox. */
  readonly size: number
  /** Whether the caller allows them to be sent one by one to a server without batches. */
  readonly separate: boolean
}

/** A pending op as the sync client sends it. */
export interface OutboxOp {
  /** Position in issue order; grows by at least one with each op. */
  readonly position: number
  readonly opId: string
  readonly payload: WritePayload
  /**
   * The op id of an own earlier op whose revision this op's `if_match` waits for, else null.
   * Such an op cannot be sent before that one is acknowledged.
   */
  readonly waitsFor: string | null
  /** Acknowledged by the server, but its echo has not arrived: not to be sent again. */
  readonly acked: boolean
  /** Null for an op of its own. When one op of a batch has left the outbox, those that remain are ops of their own. */
  readonly batch: BatchMark | null
}

/** One entry of a snapshot. Servers without per-entry revisions leave `seq` out. */
export interface SnapshotEntry {
  readonly path: string
  readonly value: JsonValue
  readonly type: EntryType
  readonly seq?: number
}

/** What is known of the server's copy of the store. */
export interface ServerInfo {
  /** The id of the history that the confirmed state comes from; null when the server names none. */
  readonly incarnation: string | null
  /** The protocol extensions that both sides know, as of the last join. */
  readonly extensions: readonly string[]
}

/** The side of a replica that faces the server: what the sync client reads and feeds. */
export interface SyncPort {
  /** The store_seq up to which every op of the server's log is applied. */
  cursor(): number
  /**
   * Pending ops in issue order whose position is greater than `after`: at most `limit`, and the rest of a batch that
   * would be cut. What has been read here counts as on its way: later writes do not take its place any more.
   */
  outbox(after: number, limit: number): OutboxOp[]
  /** No op that is pending now is behind this position. Asking does not count as reading them. */
  outboxEnd(): number
  /**
   * Applies events in store_seq order, in one transaction; those up to the cursor are skipped. An own op leaves
   * the outbox in the same transaction that brings its effects.
   * @throws DustError `event_gap` when an event is missing before one of them; nothing is applied then.
   */
  applyEvents(events: readonly StoreEventPayload[], origin: { readonly catchUp: boolean }): void
  /**
   * Replaces the confirmed state by the store's complete state at `seq`, in one transaction. Pending ops stay. Same
   * as staging all entries and finishing; an unfinished staging is forgotten.
   */
  applySnapshot(seq: number, entries: Iterable<SnapshotEntry>): void
  /**
   * The server accepted an op. `storeSeq` null: accepted without effect. The op stays pending until the
   * confirmed state holds it.
   */
  ack(opId: string, storeSeq: number | null): void
  /** The server accepted a batch whole; `storeSeqs` in the order of its ops. */
  ackBatch(batchId: string, storeSeqs: readonly number[]): void
  /** The server refused an op: its effect is undone and the write's verdict is the error. */
  reject(opId: string, error: DustError): void
  /**
   * The server refused a batch, and with it all of its ops, in one transaction. `opIndex` is the op that was at
   * fault: its verdict is the error, the others' a BatchError. With null the error is the verdict of all.
   */
  rejectBatch(batchId: string, error: DustError, opIndex: number | null): void

  /** The server as of the last `setServer`, also after a restart. */
  server(): ServerInfo
  incarnation(): string | null
  /** Remembers the server's answer to a join. */
  setServer(info: ServerInfo): void

  /**
   * The unfinished snapshot that can be continued after `after`, also after a restart; null when there is none.
   * One with events folded on top, or one begun at 0, cannot be continued.
   */
  staging(): {
    readonly seq: number
    readonly after: string | null
    readonly incarnation: string | null
  } | null
  /**
   * Begins to build another confirmed state beside the present one, at `seq` (0: before the first op). An earlier
   * unfinished one is forgotten. `incarnation`: of the history that it belongs to; null when the server names none.
   */
  stageBegin(seq: number, incarnation: string | null): void
  /**
   * Adds entries of the snapshot, in one transaction with the path up to which it is complete now.
   * @throws DustError `nothing_staged` without a `stageBegin`.
   */
  stageEntries(entries: readonly SnapshotEntry[], after: string | null): void
  /**
   * Folds events into the staged state. Those that it holds already are skipped; own ops among them are settled by
   * the swap.
   * @throws DustError `event_gap`, `nothing_staged`; nothing is folded then.
   */
  stageEvents(events: readonly StoreEventPayload[]): void
  /**
   * Swaps the staged state in, in one transaction: it is the confirmed state at `seq` now. Pending ops stay.
   * `reset`: it belongs to another history of the store (a restored server). Acknowledgements of the old history
   * mean nothing then, so ops whose echo has not come are pending again and get sent again.
   * @throws DustError `nothing_staged`, or `staged_elsewhere` when the staged state is not at `seq`.
   */
  stageFinish(seq: number, options: { readonly reset: boolean }): void
  /** Forgets the staged state. */
  stageDrop(): void
  /** 16 hex digits for the confirmed state, the same as the server's at the same cursor (docs/protocol-extensions.md). */
  digest(): string
  /** The same in steps. It is the digest of a state only if the cursor is the same after the last as before the first. */
  digestSteps(): Steps<string>
}

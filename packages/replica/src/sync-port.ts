import type { DustError, EntryType, JsonValue, StoreEventPayload, WritePayload } from '@dustlayer/protocol'

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
}

/** One entry of a snapshot. Servers without per-entry revisions leave `seq` out. */
export interface SnapshotEntry {
  readonly path: string
  readonly value: JsonValue
  readonly type: EntryType
  readonly seq?: number
}

/** The side of a replica that faces the server: what the sync client reads and feeds. */
export interface SyncPort {
  /** The store_seq up to which every op of the server's log is applied. */
  cursor(): number
  /** Pending ops in issue order whose position is greater than `after`. */
  outbox(after: number, limit: number): OutboxOp[]
  /**
   * Applies events in store_seq order, in one transaction; those up to the cursor are skipped. An own op leaves
   * the outbox in the same transaction that brings its effects.
   * @throws DustError `event_gap` when an event is missing before one of them; nothing is applied then.
   */
  applyEvents(events: readonly StoreEventPayload[], origin: { readonly catchUp: boolean }): void
  /** Replaces the confirmed state by the store's complete state at `seq`. Pending ops stay. */
  applySnapshot(seq: number, entries: Iterable<SnapshotEntry>): void
  /**
   * The server accepted an op. `storeSeq` null: accepted without effect. The op stays pending until the
   * confirmed state holds it.
   */
  ack(opId: string, storeSeq: number | null): void
  /** The server refused an op: its effect is undone and the write's verdict is the error. */
  reject(opId: string, error: DustError): void
}

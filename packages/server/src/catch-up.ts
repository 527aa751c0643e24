import { CHUNK_TARGET_BYTES, MAX_CHUNK_ENTRIES, type Ref } from '@dustlayer/protocol'
import type { Agreement } from './agreement.js'
import { eventBatchFrame, eventFrame } from './event-frame.js'
import type { Outlet } from './member.js'
import { snapshotChunkFrame, snapshotFrame } from './snapshot-frame.js'
import type { StoreStorage } from './storage.js'

/** Reads a store for one member from where it is, in pages. */
export interface CatchUp {
  /**
   * Sends a page of what comes after `cursor`. `sent` is called after each frame that completes the ops up to a seq;
   * a page in the middle of a snapshot completes none.
   */
  page(cursor: number, sent: (seq: number) => void): void
}

export interface CatchUpOptions {
  readonly outlet: Outlet
  readonly storage: StoreStorage
  readonly topic: string
  readonly joinRef: Ref
  readonly agreement: Agreement
}

// Small enough that other connections are served in between.
const EVENTS = { count: 500, bytes: 1_000_000 }
const BATCH = { count: MAX_CHUNK_ENTRIES, bytes: CHUNK_TARGET_BYTES }

export function createCatchUp({ outlet, storage, topic, joinRef, agreement }: CatchUpOptions): CatchUp {
  const { format } = outlet
  const { history, log } = storage
  /** How far the member has got in which snapshot. */
  let position: { readonly seq: number; readonly after: string | null } | null = agreement.resume

  /** False when there is more of the snapshot to come. */
  const snapshot = (seq: number): boolean => {
    if (!agreement.has('snapshot_chunks')) {
      outlet.send(snapshotFrame(format, topic, joinRef, seq, history))
      return true
    }
    // One that was compacted away meanwhile is begun anew with the one in its place.
    const from = position?.seq === seq ? position.after : null
    const page = history.snapshotPage(from, BATCH)
    const after = page.leaves.at(-1)?.path ?? from
    outlet.send(snapshotChunkFrame(format, topic, joinRef, { seq, from, after, page }))
    position = page.last ? null : { seq, after }
    return page.last
  }

  const events = (cursor: number, sent: (seq: number) => void) => {
    const batched = agreement.has('event_batches')
    const { count, bytes } = batched ? BATCH : EVENTS
    const ops = log.after(cursor, count, bytes)
    const last = ops.at(-1)
    if (!last) return
    if (batched) {
      outlet.send(eventBatchFrame(format, topic, joinRef, ops))
      sent(last.seq)
      return
    }
    for (const op of ops) {
      outlet.send(eventFrame(format, topic, joinRef, op))
      sent(op.seq)
    }
  }

  return {
    page(cursor, sent) {
      const seq = history.snapshot()?.seq ?? 0
      if (seq <= cursor) {
        events(cursor, sent)
        return
      }
      if (!snapshot(seq)) return
      sent(seq)
      events(seq, sent)
    },
  }
}

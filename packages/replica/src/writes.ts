import {
  DustError,
  type Effect,
  type Entry,
  type EntryReader,
  errorFromRejection,
  MAX_BATCH_OPS,
  OutboxFullError,
  planOp,
} from '@dustlayer/protocol'
import type { ChangeFeed } from './change-feed.js'
import { type LocalOp, staticFault } from './local-op.js'
import { NO_LEASES, type Optimistic } from './optimistic.js'
import type { Issue, Outbox } from './outbox.js'
import type { Settled } from './settled.js'
import type { TouchedParts } from './touched.js'

/** Ops that apply together or not at all. */
export interface LocalBatch {
  readonly id: string
  readonly ops: readonly LocalOp[]
  /** The caller allows the ops to be sent one by one to a server without batches. */
  readonly separate: boolean
}

export interface WritesContext {
  readonly store: string
  readonly deviceId: string
  readonly maxPending: number
  readonly optimistic: Optimistic
  readonly outbox: Outbox
  readonly settled: Settled
  readonly touched: TouchedParts
  readonly feed: ChangeFeed
  now(): number
  transaction<T>(body: () => T): T
}

/** How the app's ops get into the outbox. */
export interface Writes {
  /** Whether the op is pending or recently settled. */
  knows(opId: string): boolean
  write(op: LocalOp): void
  writeBatch(batch: LocalBatch): void
}

/** A write that holds on what is visible, as it goes into the outbox. */
interface Judgement {
  readonly op: LocalOp
  readonly effects: readonly Effect[]
  /** The own op whose revision it has to wait for. */
  readonly waitsFor: string | null
}

/** One whose effects show already. */
interface ShownJudgement extends Judgement {
  tell(): void
}

export function createWrites(context: WritesContext): Writes {
  const { store, outbox, settled, transaction } = context
  const { fold, visible, reader } = context.optimistic

  /** Shows the op's effects; what comes back tells subscribers, once the op is in the outbox. */
  const show = ({ op, effects }: Judgement): (() => void) =>
    context.feed.local(op, effects, () => fold.add(op.opId, effects))

  const knows = (opId: string): boolean =>
    outbox.answering(opId) !== undefined || settled.get(opId) !== undefined

  /**
   * A CAS that names the revision shown at its path holds even if what shows is an own pending write; it then
   * waits for that write's revision (invariant I5), or takes it when the server has told it already.
   */
  const judge = (op: LocalOp): Judgement => {
    const shownBy = op.ifMatch === undefined ? undefined : outbox.get(visible.pendingOp(op.path) ?? '')
    const acked = shownBy?.ackedSeq ?? null
    const entries: EntryReader = {
      get(path): Entry | undefined {
        const entry = reader.get(path)
        return entry && acked !== null && acked === op.ifMatch ? { ...entry, seq: acked } : entry
      },
    }
    const rejection = staticFault(op)
    const { fence: _, ...unfenced } = op
    const plan = rejection ? ({ ok: false, rejection } as const) : planOp(unfenced, entries, NO_LEASES)
    if (!plan.ok) throw errorFromRejection(plan.rejection, { store, path: op.path })
    return {
      op: acked === null ? op : { ...op, ifMatch: acked },
      effects: plan.effects,
      waitsFor: shownBy?.op.opId ?? null,
    }
  }

  const expectRoomFor = (count: number): void => {
    if (outbox.size + count <= context.maxPending) return
    const fields = { limit: context.maxPending, count: outbox.size }
    throw new OutboxFullError(
      `${store}: ${outbox.size} writes wait for the server, and no more than ${context.maxPending} may. Connect, or wait for status().pending to shrink.`,
      fields,
    )
  }

  const issue = (op: LocalOp, how: Issue): void => {
    outbox.append(op, how)
    context.touched.op(op)
  }

  const replaceNewest = (op: LocalOp): void => {
    outbox.replaceNewest(op, context.now())
    context.touched.op(op)
  }

  /** Judges each op on what the ones before it show; none of them is in the outbox yet. */
  const judgeAll = (ops: readonly LocalOp[]): ShownJudgement[] => {
    const ids = new Set(ops.map(({ opId }) => opId))
    const shown: LocalOp[] = []
    try {
      return ops.map((op) => {
        if (op.ifMatch !== undefined && ids.has(visible.pendingOp(op.path) ?? ''))
          throw matchInBatch(store, op)
        const judgement = judge(op)
        // Showing reads too, and may fail when the effects are in the fold already.
        shown.push(op)
        const tell = show(judgement)
        return { ...judgement, tell }
      })
    } catch (error) {
      for (const { path } of shown) fold.invalidate(path)
      throw error
    }
  }

  return {
    knows,
    write(op) {
      if (knows(op.opId)) return
      const replaces = outbox.replaces(op)
      if (!replaces) expectRoomFor(1)
      const judgement = judge(op)
      const { op: judged, waitsFor } = judgement
      transaction(() => {
        // A put hides all that an earlier one at its path did, so its effects can simply follow.
        const tell = show(judgement)
        if (replaces) replaceNewest(judged)
        else issue(judged, { waitsFor, issuedAt: context.now() })
        tell()
      })
    },
    writeBatch({ id, ops, separate }) {
      if (ops.some(({ opId }) => knows(opId))) return
      expectBatch(store, ops)
      expectRoomFor(ops.length)
      const issuedAt = context.now()
      const batch = { id, separate }
      const judgements = judgeAll(ops)
      transaction(() => {
        for (const { op, waitsFor, tell } of judgements) {
          issue(op, { waitsFor, issuedAt, batch })
          tell()
        }
      })
    },
  }
}

function expectBatch(store: string, ops: readonly LocalOp[]): void {
  const distinct = new Set(ops.map(({ opId }) => opId)).size
  if (ops.length > 0 && ops.length <= MAX_BATCH_OPS && distinct === ops.length) return
  const message =
    distinct < ops.length
      ? 'two ops of the batch have the same op id.'
      : `a batch has from 1 to ${MAX_BATCH_OPS} ops, this one has ${ops.length}.`
  throw new DustError('invalid_batch', `${store}: ${message}`, { store, count: ops.length })
}

function matchInBatch(store: string, { path }: LocalOp): DustError {
  const message = `${store} ${path}: ifMatch cannot hold on what the same batch writes, as that has no revision yet. Leave ifMatch out of the later op.`
  return new DustError('if_match_in_batch', message, { store, path })
}

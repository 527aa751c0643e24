import {
  DustError,
  type Effect,
  errorToData,
  eventEffects,
  type StoreEventPayload,
  stringifyJson,
  type WriteOpName,
} from '@dustlayer/protocol'
import type { Confirmed } from './confirmed.js'
import type { DustEvent, Verdict } from './events.js'
import type { Outbox, PendingOp } from './outbox.js'
import { clearedPaths, createParents, type Parents } from './parents.js'
import type { PendingFold } from './pending-fold.js'
import type { SnapshotEntry, SyncPort } from './sync-port.js'

/** What applying the server's word needs of the replica. */
export interface ApplyContext {
  readonly deviceId: string
  readonly confirmed: Confirmed
  readonly outbox: Outbox
  now(): number
  transaction<T>(body: () => T): T
  emit(event: Omit<DustEvent, 'store'>): void
  /** Tells the verdict once. */
  announce(opId: string, verdict: Verdict): void
  /** Takes an op out of the outbox and remembers its verdict. */
  settle(opId: string, verdict: Verdict): void
  readonly fold: PendingFold
}

/** Ops whose effect depends on what they find; only these change when the confirmed state below them does. */
const DEPENDENT: ReadonlySet<WriteOpName> = new Set(['increment', 'add', 'remove'])

const SCAN_CHUNK = 1_000

export function createSyncPort(context: ApplyContext): SyncPort {
  const { confirmed, outbox, transaction, emit } = context

  const commit = ({ op, ackedSeq }: PendingOp, revision: number): void => {
    const verdict: Verdict = { state: 'committed', revision }
    if (ackedSeq === null) context.announce(op.opId, verdict)
    outbox.release(op.opId, revision)
    context.settle(op.opId, verdict)
  }

  /** By its op id alone, which is random: a browser that has lost its device id still knows its own ops. */
  const ownOp = ({ client_op_id: opId }: StoreEventPayload): PendingOp | undefined =>
    opId === null ? undefined : outbox.get(opId)

  const applyEvent = (
    event: StoreEventPayload,
    effects: readonly Effect[],
    parents: Parents,
    { syncedAt, catchUp }: { readonly syncedAt: number; readonly catchUp: boolean },
  ): void => {
    const { store_seq: storeSeq, op, path, value, device_id: deviceId, client_op_id: clientOpId } = event
    confirmed.execute(effects, storeSeq, syncedAt, parents)
    const pending = ownOp(event)
    if (pending) commit(pending, storeSeq)
    const stale =
      pending || (outbox.size > 0 && outbox.touching(path).some((other) => DEPENDENT.has(other.op.op)))
    if (stale) context.fold.invalidate(path)
    emit({
      path,
      op,
      value,
      committed: true,
      source: 'server',
      own: pending !== undefined || deviceId === context.deviceId,
      ...(deviceId !== null && { deviceId }),
      ...(clientOpId !== null && { clientOpId }),
      storeSeq,
      catchUp,
    })
  }

  /** An op that was acknowledged, and whose echo the confirmed state holds without having named it. */
  const settleCovered = (cursor: number): void => {
    for (const pending of outbox.ackedUpTo(cursor)) {
      commit(pending, pending.ackedSeq ?? cursor)
      context.fold.invalidate(pending.op.path)
    }
  }

  const replaceConfirmed = (seq: number, entries: Iterable<SnapshotEntry>): void => {
    const syncedAt = context.now()
    // A first sync has nothing to compare with and nothing that can vanish.
    const first = confirmed.empty
    const kept = new Set<string>()
    for (const entry of entries) {
      const storeSeq = entry.seq ?? seq
      if (!first) kept.add(entry.path)
      const before = first ? undefined : confirmed.get(entry.path)
      const same = before && before.type === entry.type && before.text === stringifyJson(entry.value)
      if (same && before.seq === storeSeq) continue
      confirmed.put(entry, storeSeq, syncedAt)
      if (!same) emit({ ...CAUGHT_UP, path: entry.path, op: 'set', value: entry.value, storeSeq })
    }
    for (const path of first ? [] : pathsNotIn(confirmed, kept)) {
      confirmed.remove(path)
      emit({ ...CAUGHT_UP, path, op: 'delete', value: null, storeSeq: seq })
    }
  }

  return {
    cursor: () => confirmed.cursor(),
    outbox: (after, limit) => outbox.send(after, limit),
    applyEvents(events, { catchUp }) {
      transaction(() => {
        const fresh = following(confirmed.cursor(), events)
        const last = fresh.at(-1)
        if (!last) return
        const origin = { syncedAt: context.now(), catchUp }
        const effects = fresh.map(eventEffects)
        const parents = createParents(confirmed.withEntriesBelow(clearedPaths(effects.flat())))
        fresh.forEach((event, i) => {
          applyEvent(event, effects[i] ?? [], parents, origin)
        })
        confirmed.setCursor(last.store_seq)
        settleCovered(last.store_seq)
      })
    },
    applySnapshot(seq, entries) {
      transaction(() => {
        replaceConfirmed(seq, entries)
        confirmed.setCursor(seq)
        for (const pending of outbox.ackedUpTo(seq)) commit(pending, pending.ackedSeq ?? seq)
        context.fold.rebuild()
      })
    },
    ack(opId, storeSeq) {
      const pending = outbox.get(opId)
      if (!pending) return
      transaction(() => {
        const cursor = confirmed.cursor()
        if (storeSeq === null || storeSeq <= cursor) {
          commit(pending, storeSeq ?? cursor)
          context.fold.invalidate(pending.op.path)
        } else if (pending.ackedSeq === null) {
          context.announce(opId, { state: 'committed', revision: storeSeq })
          outbox.acknowledge(opId, storeSeq)
        }
      })
    },
    reject(opId, error) {
      const pending = outbox.get(opId)
      if (!pending) return
      transaction(() => {
        const data = errorToData(error)
        const verdict: Verdict = { state: 'rejected', error: data }
        outbox.release(opId, null)
        context.settle(opId, verdict)
        context.announce(opId, verdict)
        context.fold.invalidate(pending.op.path)
        emit({
          path: pending.op.path,
          op: pending.op.op,
          value: null,
          committed: false,
          source: 'server',
          own: true,
          deviceId: context.deviceId,
          clientOpId: opId,
          catchUp: false,
          error: data,
        })
      })
    },
  }
}

const CAUGHT_UP = { committed: true, source: 'server', own: false, catchUp: true } as const

/** Each event after the cursor once. @throws DustError `event_gap` when one is missing between them. */
function following(cursor: number, events: readonly StoreEventPayload[]): StoreEventPayload[] {
  let last = cursor
  return events.filter(({ store_seq: seq }) => {
    if (seq <= last) return false
    if (seq !== last + 1) throw gap(last, seq)
    last = seq
    return true
  })
}

function gap(cursor: number, seq: number): DustError {
  return new DustError(
    'event_gap',
    `Event ${seq} cannot be applied on top of ${cursor}: the ones between are missing.`,
  )
}

function pathsNotIn(confirmed: Confirmed, kept: ReadonlySet<string>): string[] {
  const vanished: string[] = []
  for (let from = '', more = true; more; ) {
    const rows = confirmed.rows({ from, to: null }, 'asc', SCAN_CHUNK)
    for (const { path } of rows) if (!kept.has(path)) vanished.push(path)
    more = rows.length === SCAN_CHUNK
    from = `${rows[rows.length - 1]?.path}\0`
  }
  return vanished
}

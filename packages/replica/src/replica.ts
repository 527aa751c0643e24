import {
  type Effect,
  type Entry,
  type EntryReader,
  errorFromRejection,
  type JsonValue,
  type Pattern,
  planOp,
} from '@dustlayer/protocol'
import { createSyncPort } from './apply.js'
import { createConfirmed } from './confirmed.js'
import type { SqliteDriver } from './driver.js'
import type { DustEvent, Verdict } from './events.js'
import { type ListOptions, listPattern, listRange, type PageData } from './listing.js'
import { createOutbox, type LocalOp, type PendingOp, staticFault, unconditional } from './outbox.js'
import { createPendingFold } from './pending-fold.js'
import { openSchema } from './schema.js'
import { createSettled } from './settled.js'
import type { SyncPort } from './sync-port.js'
import { createVisible, type EntryData } from './visible.js'

export interface ReplicaOptions {
  readonly driver: SqliteDriver
  /** The store's name, for events and messages. */
  readonly store: string
  /** This client's id, by which its own ops are recognised in the server's log. */
  readonly deviceId: string
  /** Wall clock, epoch milliseconds; used for `syncedAt` and the age of pending ops only. */
  now(): number
}

/**
 * One store's data on any SQLite, synchronous and deterministic. What readers see is the confirmed state with
 * the pending ops applied in order (ARCHITECTURE.md, invariants I1–I7).
 */
export interface Replica {
  /** The leaf's value, else the map assembled from below, else undefined. A stored null is null. */
  get(path: string): JsonValue | undefined
  entry(path: string): EntryData | undefined
  /** Values by path; what is missing is left out. With `leaves`, nothing is assembled. */
  getMany(paths: readonly string[], options?: { readonly leaves?: boolean }): { [path: string]: JsonValue }
  enum(pattern: Pattern, options?: ListOptions): PageData
  range(from: string, to: string, options?: ListOptions): PageData
  /**
   * Puts an op into the outbox and shows its effect. Durable once the surrounding transaction has committed.
   * An op id that is pending or recently settled is the same write again and changes nothing.
   * @throws DustError when the op cannot hold on what is visible; nothing has changed then.
   */
  write(op: LocalOp): void
  /** One SQLite transaction; events and verdicts go out after it has committed. Nested calls join it. */
  transaction<T>(body: () => T): T
  /** What became of an op of this replica; undefined when it was never written here or is long forgotten. */
  verdict(opId: string): Verdict | undefined
  pending(): { readonly count: number; readonly oldestAt: number | null }
  /** Called after each transaction with its events, in order. */
  onEvents(listener: (events: readonly DustEvent[]) => void): () => void
  /** Called after the transaction in which an op's verdict became known. */
  onVerdict(listener: (opId: string, verdict: Verdict) => void): () => void
  readonly sync: SyncPort
  /** Closes the database. */
  close(): void
}

/**
 * Opens the replica, creating its tables in an empty database.
 * @throws DustError `newer_database` when the file was written by a newer version.
 */
export function openReplica({ driver, store, deviceId, now }: ReplicaOptions): Replica {
  openSchema(driver, store)
  const confirmed = createConfirmed(driver)
  const outbox = createOutbox(driver)
  const settled = createSettled(driver)
  const fold = createPendingFold(outbox, (op) => optimisticEffects(op))
  const visible = createVisible(confirmed, fold.view)
  const eventListeners = new Set<(events: readonly DustEvent[]) => void>()
  const verdictListeners = new Set<(opId: string, verdict: Verdict) => void>()
  let events: DustEvent[] = []
  let verdicts: [opId: string, verdict: Verdict][] = []
  let depth = 0

  /** The effects of a pending op on what is visible now; none if it makes no sense there (the server will refuse it). */
  const optimisticEffects = (op: LocalOp): readonly Effect[] => {
    const plan = planOp(unconditional(op), reader, NO_LEASES)
    return plan.ok ? plan.effects : []
  }

  const reader: EntryReader = {
    get(path) {
      const leaf = visible.leaf(path)
      return leaf && { path, value: leaf.value, type: leaf.type, seq: leaf.revision }
    },
  }

  /** After a rollback, memory must say again what the tables say. */
  const reload = (): void => {
    events = []
    verdicts = []
    confirmed.reload()
    outbox.reload()
    settled.reload()
    fold.rebuild()
  }

  const flush = (): void => {
    const [sentEvents, sentVerdicts] = [events, verdicts]
    events = []
    verdicts = []
    for (const [opId, verdict] of sentVerdicts)
      for (const listener of verdictListeners) listener(opId, verdict)
    if (sentEvents.length > 0) for (const listener of eventListeners) listener(sentEvents)
  }

  const transaction = <T>(body: () => T): T => {
    if (depth > 0) return body()
    depth += 1
    let result: T
    try {
      result = driver.transaction(body)
    } catch (error) {
      reload()
      throw error
    } finally {
      depth -= 1
    }
    flush()
    return result
  }

  const emit = (event: Omit<DustEvent, 'store'>): void => {
    events.push({ store, ...event })
  }

  const settle = (opId: string, verdict: Verdict): void => {
    outbox.remove(opId)
    settled.add(opId, verdict)
  }

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
    const plan = rejection ? ({ ok: false, rejection } as const) : planOp(op, entries, NO_LEASES)
    if (!plan.ok) throw errorFromRejection(plan.rejection, { store, path: op.path })
    return {
      judged: acked === null ? op : { ...op, ifMatch: acked },
      effects: plan.effects,
      waitsFor: shownBy && acked === null ? shownBy.op.opId : null,
    }
  }

  const write = (op: LocalOp): void => {
    if (outbox.get(op.opId) || settled.get(op.opId)) return
    const { judged, effects, waitsFor } = judge(op)
    transaction(() => {
      fold.add(op.opId, effects)
      outbox.append(judged, waitsFor, now())
      const { path, value, opId } = op
      emit({
        path,
        op: op.op,
        value,
        committed: false,
        source: 'local',
        own: true,
        clientOpId: opId,
        deviceId,
        catchUp: false,
      })
    })
  }

  fold.rebuild()
  return {
    get: visible.value,
    entry: visible.entry,
    getMany(paths, options) {
      // Without a prototype, so that a path such as `__proto__` is a key like any other.
      const found: { [path: string]: JsonValue } = Object.create(null)
      for (const path of paths) {
        const value = options?.leaves ? visible.leaf(path)?.value : visible.value(path)
        if (value !== undefined) found[path] = value
      }
      return found
    },
    enum: (pattern, options) => listPattern(visible, pattern, options),
    range: (from, to, options) => listRange(visible, from, to, options),
    write,
    transaction,
    verdict: (opId) => pendingVerdict(outbox.get(opId)) ?? settled.get(opId),
    pending: () => ({ count: outbox.size, oldestAt: outbox.oldest?.issuedAt ?? null }),
    onEvents: (listener) => subscribe(eventListeners, listener),
    onVerdict: (listener) => subscribe(verdictListeners, listener),
    sync: createSyncPort({
      deviceId,
      now,
      confirmed,
      outbox,
      transaction,
      emit,
      announce: (opId, verdict) => verdicts.push([opId, verdict]),
      settle,
      fold,
    }),
    close: () => driver.close(),
  }
}

/** A write that holds on what is visible, as it goes into the outbox. */
interface Judgement {
  readonly judged: LocalOp
  readonly effects: readonly Effect[]
  /** The own op whose revision it has to wait for. */
  readonly waitsFor: string | null
}

const NO_LEASES = { seq: 0, now: 0, leaseExpired: () => false }

function pendingVerdict(pending: PendingOp | undefined): Verdict | undefined {
  if (!pending) return undefined
  return pending.ackedSeq === null ? { state: 'pending' } : { state: 'committed', revision: pending.ackedSeq }
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

import { DustError, type JsonValue, type Pattern } from '@dustlayer/protocol'
import { createSyncPort } from './apply.js'
import { createChangeFeed, type Flush } from './change-feed.js'
import { digestOf } from './confirmed-digest.js'
import { type CheckReport, checkReplica } from './doctor.js'
import type { SqliteDriver } from './driver.js'
import { createEntryTable } from './entry-table.js'
import type { DustEvent, Verdict } from './events.js'
import { exportReplica, type ReplicaExport } from './export.js'
import { ALL_INTEREST, type Interest } from './interest.js'
import { type ListOptions, listPattern, listRange, type PageData } from './listing.js'
import type { LocalOp } from './local-op.js'
import { createMeta, type Meta } from './meta.js'
import { createOptimistic } from './optimistic.js'
import { createOutbox, type Outbox, type PendingOp } from './outbox.js'
import type { OverlayView } from './overlay.js'
import { createPreciousParts, type PreciousChange } from './precious.js'
import { createRejections, type RejectedWrite } from './rejections.js'
import { openSchema } from './schema.js'
import { createSettled } from './settled.js'
import { finish, type Steps } from './steps.js'
import type { SyncPort } from './sync-port.js'
import { createTouchedParts, type Touched } from './touched.js'
import { createVisible, type EntryData, type ReadData } from './visible.js'
import { createWrites, type LocalBatch } from './writes.js'

export interface ReplicaOptions {
  readonly driver: SqliteDriver
  /** The store's name, for events and messages. */
  readonly store: string
  /** This client's id, by which its own ops are recognised in the server's log. */
  readonly deviceId: string
  /** Wall clock, epoch milliseconds; used for `syncedAt` and the age of pending ops only. */
  now(): number
  /** How many ops may be pending; 100,000 by default. */
  readonly maxPending?: number
  /** What subscribers could want to be told besides ops at their own paths; everything by default. */
  readonly interest?: Interest
}

export interface PendingReport {
  readonly count: number
  /** When the oldest was issued, local wall clock in epoch milliseconds. */
  readonly oldestAt: number | null
  /** At so many a further write is refused. */
  readonly limit: number
}

/** `incomplete`: more than 50,000 changes; there are no events then, and who follows by them must read anew. */
export type EventListener = (events: readonly DustEvent[], flush: Pick<Flush, 'incomplete'>) => void

/** `from` and `at` are positions, see {@link Replica.position}. */
export type ForetoldListener = (
  events: readonly DustEvent[],
  move: { readonly from: string; readonly at: string },
) => void

/**
 * One store's data on any SQLite, synchronous and deterministic. What readers see is the confirmed state with
 * the pending ops applied in order (ARCHITECTURE.md, invariants I1–I7).
 */
export interface Replica {
  /** The leaf's value, else the map assembled from below, else undefined. A stored null is null. */
  get(path: string): JsonValue | undefined
  /** Like `get`, with the type. */
  read(path: string): ReadData | undefined
  entry(path: string): EntryData | undefined
  /** Values by path; what is missing is left out. With `leaves`, nothing is assembled. */
  getMany(paths: readonly string[], options?: { readonly leaves?: boolean }): { [path: string]: JsonValue }
  enum(pattern: Pattern, options?: ListOptions): PageData
  range(from: string, to: string, options?: ListOptions): PageData
  /** A complete listing of what the server has confirmed, as if nothing were pending. */
  enumConfirmed(pattern: Pattern): PageData
  /**
   * Puts an op into the outbox and shows its effect. Durable once the surrounding transaction has committed.
   * An op id that is pending or recently settled is the same write again and changes nothing.
   *
   * A plain put takes the place of the newest pending op if that is a plain put at the same path that was never on
   * its way; the verdict of the op replaced is then that of the one which took its place.
   * @throws DustError when the op cannot hold on what is visible; nothing has changed then.
   * @throws OutboxFullError when too many ops are pending.
   */
  write(op: LocalOp): void
  /**
   * Writes all ops of the batch or none. Each is judged on what the ones before it show. A repeated call is the
   * same batch, as with `write`.
   * @throws DustError as `write`; `invalid_batch` for none, too many, or repeated ops; `if_match_in_batch` for an
   * `ifMatch` on what an earlier op of the batch writes, whose revision nobody can know.
   */
  writeBatch(batch: LocalBatch): void
  /** One SQLite transaction; events and verdicts go out after it has committed. Nested calls join it. */
  transaction<T>(body: () => T): T
  /** What became of an op of this replica; undefined when it was never written here or is long forgotten. */
  verdict(opId: string): Verdict | undefined
  pending(): PendingReport
  /** Refused writes, oldest first: the newest 1,000. Durable. */
  rejections(): readonly RejectedWrite[]
  rejectionCount(): number
  /** Takes a refused write off the list; false when it is not there. */
  dropRejection(opId: string): boolean
  /**
   * Writes `edited`, which has an op id of its own, and takes the refused write off the list, in one transaction.
   * @throws DustError `unknown_rejection` when the write is not on the list; what `write` throws.
   */
  retryRejection(opId: string, edited: LocalOp): void
  /** Called after a transaction that changed the list of refused writes. */
  onRejections(listener: () => void): () => void
  /** Called after each transaction that changed rows which no server can give back, with their positions. */
  onPrecious(listener: (change: PreciousChange) => void): () => void
  /** Called after each transaction that has something to tell, with its events in order. */
  onEvents(listener: EventListener): () => void
  /**
   * Called at the end of each transaction, before it commits, with what `onEvents` will be told and where the replica
   * stands before and after. It may still be rolled back. Not called when there is too much to tell.
   */
  onForetold(listener: ForetoldListener): () => void
  /** Called after each transaction that touched what is visible, once its events have been told. */
  onTouched(listener: (touched: Touched) => void): () => void
  /** Called after the transaction in which an op's verdict became known. */
  onVerdict(listener: (opId: string, verdict: Verdict) => void): () => void
  /**
   * Where the replica stands, as text: while it is the same, in this life or the next, so is what is visible.
   * Costs next to nothing.
   */
  position(): string
  readonly sync: SyncPort
  /** All that is held here, as plain data. */
  export(): ReplicaExport
  /** The same in steps, between which the replica can be used as ever: all as it is when the last one ends. */
  exportSteps(): Steps<ReplicaExport>
  /**
   * Checks the database, its rows, and that what is derived is what it is derived from; mends what is derived.
   * Reads everything.
   */
  check(): CheckReport
  /** The same in steps, between which the replica can be used as ever. The first one and the last can take long. */
  checkSteps(): Steps<CheckReport>
  /** As {@link SyncPort.digest}. */
  digest(): string
  /** Closes the database. */
  close(): void
}

/** Beyond so many, opening a store and folding would take noticeably long. */
const MAX_PENDING = 100_000

/**
 * Opens the replica, creating its tables in an empty database.
 * @throws DustError `newer_database` when the file was written by a newer version.
 */
export function openReplica({
  driver,
  store,
  deviceId,
  now,
  maxPending = MAX_PENDING,
  interest = ALL_INTEREST,
}: ReplicaOptions): Replica {
  openSchema(driver, store)
  const meta = createMeta(driver)
  const confirmed = createEntryTable(driver, 'entries')
  const precious = createPreciousParts()
  const outbox = createOutbox(driver, (position, there) => precious.note('outbox', position, there))
  const settled = createSettled(driver)
  const rejections = createRejections(driver, (position, there) =>
    precious.note('rejections', position, there),
  )
  const optimistic = createOptimistic(confirmed, outbox)
  const { fold, visible } = optimistic
  const confirmedOnly = createVisible(confirmed, NOTHING_PENDING)
  const touched = createTouchedParts()
  const feed = createChangeFeed({
    store,
    deviceId,
    confirmed: confirmedOnly,
    visible,
    outbox,
    interest: {
      at: (path, about) => eventListeners.size > 0 && interest.at(path, about),
      below: (path) => eventListeners.size > 0 && interest.below(path),
    },
  })
  const touchedListeners = new Set<(touched: Touched) => void>()
  const eventListeners = new Set<EventListener>()
  const foretoldListeners = new Set<ForetoldListener>()
  const rejectionListeners = new Set<() => void>()
  const preciousListeners = new Set<(change: PreciousChange) => void>()
  const verdictListeners = new Set<(opId: string, verdict: Verdict) => void>()
  let verdicts: [opId: string, verdict: Verdict][] = []
  let rejectionsTouched = false
  let depth = 0

  /** After a rollback, memory must say again what the tables say. */
  const reload = (): void => {
    feed.clear()
    verdicts = []
    touched.clear()
    rejectionsTouched = false
    precious.clear()
    meta.reload()
    outbox.reload()
    settled.reload()
    rejections.reload()
    fold.rebuild()
  }

  const flush = (): void => {
    const [{ events, incomplete }, sentVerdicts, parts] = [feed.take(), verdicts, touched.take()]
    const refusals = rejectionsTouched
    const kept = precious.take()
    verdicts = []
    rejectionsTouched = false
    for (const [opId, verdict] of sentVerdicts)
      for (const listener of verdictListeners) listener(opId, verdict)
    if (events.length > 0 || incomplete)
      for (const listener of eventListeners) listener(events, { incomplete })
    if (parts) for (const listener of touchedListeners) listener(parts)
    if (refusals) for (const listener of rejectionListeners) listener()
    if (kept) for (const listener of preciousListeners) listener(kept)
  }

  const position = (): string => positionOf(meta, outbox)

  const foretell = (from: string): void => {
    if (foretoldListeners.size === 0) return
    const { events, incomplete } = feed.peek()
    const at = position()
    if (incomplete || (events.length === 0 && at === from)) return
    for (const listener of foretoldListeners) listener(events, { from, at })
  }

  const transaction = <T>(body: () => T): T => {
    if (depth > 0) return body()
    depth += 1
    let result: T
    try {
      result = driver.transaction(() => {
        const from = foretoldListeners.size > 0 ? position() : ''
        const made = body()
        feed.finish()
        foretell(from)
        return made
      })
    } catch (error) {
      reload()
      throw error
    } finally {
      depth -= 1
    }
    flush()
    return result
  }

  const settle = (opId: string, verdict: Verdict): void => {
    const pending = outbox.get(opId)
    if (pending) {
      feed.settling(pending.op)
      touched.op(pending.op)
    }
    for (const id of [...outbox.replacedBy(opId), opId]) settled.add(id, verdict)
    outbox.remove(opId)
  }

  const announce = (opId: string, verdict: Verdict): void => {
    for (const id of [...outbox.replacedBy(opId), opId]) verdicts.push([id, verdict])
  }

  const rejectionsChanged = (): void => {
    rejectionsTouched = true
  }

  const dropRejection = (opId: string): boolean => {
    const dropped = rejections.remove(opId)
    if (dropped) rejectionsChanged()
    return dropped
  }

  const digestSteps = () => digestOf(confirmed)
  const digest = () => finish(digestSteps())

  const onTouched: Replica['onTouched'] = (listener) => subscribe(touchedListeners, listener)

  const exportSteps = () => exportReplica({ store, meta, confirmed, outbox, rejections, onTouched })

  const mended = (): void => {
    feed.mended()
    touched.everything()
  }

  const checkSteps = () => checkReplica({ driver, confirmed, meta, outbox, optimistic, transaction, mended })

  const writes = createWrites({
    store,
    deviceId,
    maxPending,
    optimistic,
    outbox,
    settled,
    touched,
    now,
    transaction,
    feed,
  })

  return {
    get: visible.value,
    read: visible.read,
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
    enumConfirmed: (pattern) => listPattern(confirmedOnly, pattern),
    write: writes.write,
    writeBatch: writes.writeBatch,
    transaction,
    verdict: (opId) => pendingVerdict(outbox.answering(opId)) ?? settled.get(opId),
    pending: () => ({ count: outbox.size, oldestAt: outbox.oldest?.issuedAt ?? null, limit: maxPending }),
    rejections: rejections.list,
    rejectionCount: () => rejections.count,
    dropRejection: (opId) => transaction(() => dropRejection(opId)),
    retryRejection(opId, edited) {
      if (!rejections.has(opId) && !writes.knows(edited.opId)) throw unknownRejection(store, opId)
      transaction(() => {
        writes.write(edited)
        dropRejection(opId)
      })
    },
    onRejections: (listener) => subscribe(rejectionListeners, listener),
    onPrecious: (listener) => subscribe(preciousListeners, listener),
    onEvents: (listener) => subscribe(eventListeners, listener),
    onForetold: (listener) => subscribe(foretoldListeners, listener),
    onTouched,
    onVerdict: (listener) => subscribe(verdictListeners, listener),
    position,
    sync: createSyncPort({
      driver,
      store,
      deviceId,
      meta,
      confirmed,
      outbox,
      rejections,
      fold,
      touched,
      now,
      transaction,
      feed,
      announce,
      settle,
      digest,
      digestSteps,
      rejectionsChanged,
    }),
    export: () => finish(exportSteps()),
    exportSteps,
    check: () => finish(checkSteps()),
    checkSteps,
    digest,
    close: () => driver.close(),
  }
}

const NOTHING_PENDING: OverlayView = { empty: true, at: () => undefined, paths: () => [] }

function unknownRejection(store: string, opId: string): DustError {
  const message = `${store}: there is no refused write ${opId} (any more): it was retried or dropped, or a thousand came after it.`
  return new DustError('unknown_rejection', message, { store, opId })
}

function pendingVerdict(pending: PendingOp | undefined): Verdict | undefined {
  if (!pending) return undefined
  return pending.ackedSeq === null ? { state: 'pending' } : { state: 'committed', revision: pending.ackedSeq }
}

/** What is visible follows from the log up to the cursor and from the ops that are pending. */
function positionOf(meta: Meta, outbox: Outbox): string {
  // Ops are appended at the end only: as many, and the same newest one, are the same ops.
  const newest = outbox.newest?.op.opId ?? null
  return JSON.stringify([meta.server().incarnation, meta.cursor(), outbox.size, newest])
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

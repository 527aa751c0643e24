import type { Effect, StoreEventPayload } from '@dustlayer/protocol'
import { consequencesOf, createWanted, isWanted, type PathChange, pathChanges } from './consequences.js'
import { createCorrections } from './corrections.js'
import type { DustEvent, EventCause } from './events.js'
import type { FoldedLeaf } from './fold-event.js'
import type { Interest } from './interest.js'
import type { LocalOp } from './local-op.js'
import type { Outbox } from './outbox.js'
import type { Visible } from './visible.js'

/** What one transaction has to tell. */
export interface Flush {
  readonly events: readonly DustEvent[]
  /** There was too much to tell, and `events` is empty: who follows by events must read anew. */
  readonly incomplete: boolean
}

/** More than this in one transaction is not told one by one. */
export const MOST_EVENTS = 50_000

export interface ChangeFeedContext {
  readonly store: string
  readonly deviceId: string
  readonly confirmed: Visible
  readonly visible: Visible
  readonly outbox: Outbox
  readonly interest: Interest
}

/** A committed op, of which the confirmed state holds nothing yet. */
export interface CommittedOp {
  readonly event: StoreEventPayload
  readonly effects: readonly Effect[]
  readonly own: boolean
  readonly catchUp: boolean
  /** False where nothing can be below a path. */
  mayHaveBelow(path: string): boolean
}

/** A leaf of the confirmed state that a snapshot has changed; `now` undefined when it is gone. */
export interface SnapshotChange {
  readonly path: string
  readonly now: (FoldedLeaf & { readonly seq: number }) | undefined
}

/** Collects the events of a transaction, in the order in which subscribers are told them (see {@link DustEvent}). */
export interface ChangeFeed {
  /** Runs `show`, which makes the op's effects visible. Returns what then tells it. */
  local(op: LocalOp, effects: readonly Effect[], show: () => void): () => void
  /** These events are about to be applied. */
  expectEvents(events: readonly StoreEventPayload[]): void
  /** Runs `execute`, which brings the op to the confirmed state, and tells it. */
  committed(op: CommittedOp, execute: () => void): void
  /** Runs `swap`, which replaces the confirmed state, and tells the changes, which are read before. */
  replaced(seq: number, changes: Iterable<SnapshotChange>, swap: () => void): void
  /** The op is about to leave the outbox, because of no event. */
  expectLeaving(op: LocalOp): void
  /** The op leaves the outbox. */
  settling(op: LocalOp): void
  /** An op that was refused. */
  refused(op: LocalOp, error: NonNullable<DustEvent['error']>): void
  /** Something other than ops has changed what is visible: subscribers have to read anew. */
  mended(): void
  /** At the end of the transaction, while it can still read: tells the corrections. */
  finish(): void
  /** What there is to tell. */
  peek(): Flush
  /** The same, and forgets it. */
  take(): Flush
  /** Nothing of the transaction has happened. */
  clear(): void
}

export function createChangeFeed(context: ChangeFeedContext): ChangeFeed {
  const { store, deviceId, confirmed, visible, outbox, interest } = context
  const corrections = createCorrections({ visible, outbox, interest })
  let events: DustEvent[] = []
  let incomplete = false

  const emit = (event: DustEvent): void => {
    if (incomplete) return
    if (events.length === MOST_EVENTS) {
      incomplete = true
      events = []
      corrections.clear()
      return
    }
    corrections.told(event)
    events.push(event)
  }

  /** The op's own event, and its consequences after it. */
  const emitOp = (event: DustEvent, consequences: readonly PathChange[]): void => {
    emit(event)
    if (consequences.length === 0) return
    const { path, op, clientOpId } = event
    const { entryType: _, value: __, ...shared } = event
    const cause: EventCause = { op, path, ...(clientOpId !== undefined && { clientOpId }) }
    for (const change of consequences) emit({ ...shared, ...change, cause })
  }

  return {
    local(op, effects, show) {
      const consequences = consequencesOf(visible, interest, op, effects)
      show()
      const changes = consequences()
      const { path, value, opId } = op
      const leaf = op.op === 'set' ? typeAt(path, effects) : undefined
      return () =>
        emitOp(
          {
            store,
            path,
            op: op.op,
            value,
            ...(leaf && { entryType: leaf }),
            committed: false,
            source: 'local',
            own: true,
            clientOpId: opId,
            deviceId,
            catchUp: false,
          },
          changes,
        )
    },
    expectEvents: corrections.expectEvents,
    committed({ event, effects, own, catchUp, mayHaveBelow }, execute) {
      const { op, path, value, store_seq: storeSeq, device_id: device, client_op_id: clientOpId } = event
      const consequences = consequencesOf(confirmed, interest, event, effects, mayHaveBelow)
      execute()
      const leaf = typeAt(path, effects)
      emitOp(
        {
          store,
          path,
          op,
          value,
          ...(leaf && { entryType: leaf }),
          committed: true,
          source: 'server',
          own,
          ...(device !== null && { deviceId: device }),
          ...(clientOpId !== null && { clientOpId }),
          storeSeq,
          catchUp,
        },
        consequences(),
      )
    },
    replaced(seq, changes, swap) {
      corrections.expectEverything()
      const wanted = createWanted(interest, SNAPSHOT.path)
      const seqs = new Map<string, number>()
      const leaves = new Map<string, FoldedLeaf | undefined>()
      for (const { path, now } of changes) {
        if (incomplete || !isWanted(wanted, path)) continue
        leaves.set(path, now)
        if (now) seqs.set(path, now.seq)
        if (leaves.size > MOST_EVENTS) {
          incomplete = true
          events = []
          corrections.clear()
          leaves.clear()
        }
      }
      swap()
      for (const change of pathChanges(confirmed, wanted, leaves)) {
        const storeSeq = seqs.get(change.path) ?? seq
        emit({ store, ...change, ...CAUGHT_UP, storeSeq, cause: SNAPSHOT })
      }
    },
    expectLeaving: corrections.expectLeaving,
    settling: corrections.settling,
    refused({ path, op, opId }, error) {
      emit({
        store,
        path,
        op,
        value: null,
        committed: false,
        source: 'server',
        own: true,
        deviceId,
        clientOpId: opId,
        catchUp: false,
        error,
      })
    },
    mended() {
      incomplete = true
      events = []
      corrections.clear()
    },
    finish() {
      for (const { opId, ...change } of corrections.take()) {
        emit({
          store,
          ...change,
          committed: false,
          source: 'local',
          own: true,
          deviceId,
          catchUp: false,
          correctionFor: opId,
        })
      }
    },
    peek: () => ({ events, incomplete }),
    take() {
      const flush = { events, incomplete }
      events = []
      incomplete = false
      return flush
    },
    clear() {
      events = []
      incomplete = false
      corrections.clear()
    },
  }
}

const SNAPSHOT: EventCause = { op: 'snapshot', path: '' }

const CAUGHT_UP = { committed: true, source: 'server', own: false, catchUp: true } as const

/** The type of the leaf that the op puts at its own path. */
function typeAt(path: string, effects: readonly Effect[]) {
  const last = effects.at(-1)
  // Where an op puts a leaf at its own path, that is the last thing it does.
  return last?.kind === 'put' && last.path === path ? last.type : undefined
}

import {
  decodeSnapshotChunk,
  decodeStoreEvent,
  EXTENSIONS,
  FrameError,
  type FramePayload,
  type StoreEventPayload,
  splitEventBatch,
} from '@dustlayer/protocol'
import type { SnapshotEntry, SyncPort } from '@dustlayer/replica'
import type { DataMessage } from './channel.js'
import { createInbox, type InboxEvent } from './inbox.js'
import type { JoinTerms } from './join-reply.js'
import { isNoRoom } from './shortage.js'
import { decodeSnapshot } from './snapshot.js'
import { isUnknownOp, withoutEffect } from './unknown-op.js'

/** At most so many events, or entries of a snapshot, go into one transaction of the replica. */
const BATCH = 1_000

/** Why the local copy is built anew from the server's. */
export interface Rebuild {
  readonly reason: string
  /** The server's store has another history than the copy: it was restored from a backup, or is another one. */
  readonly reset: boolean
}

/**
 * What the server sends of a store's data, on its way into the replica. Ordinarily events and snapshots move the
 * confirmed state on. During a rebuild they make up another one beside it, which takes its place when the catch-up
 * is complete; until then, readers keep what they have.
 */
export interface Intake {
  /** Everything up to here is in the confirmed state. */
  readonly cursor: number
  readonly rebuilding: Rebuild | null
  /** How many events can be applied now. */
  readonly ready: number
  /** Whether the log is known to reach further than what can be applied. */
  readonly gap: boolean
  /** Begins a join: what it asks for. */
  request(): FramePayload
  /**
   * The server's answer. `restored`: the server's history is another one, and a rebuild has begun. `ahead`: the same,
   * but the server has not noticed, and has to be asked again for everything.
   */
  joined(terms: JoinTerms): 'continued' | 'restored' | 'ahead'
  /** Takes one message in. @throws FrameError when it is malformed or out of place. */
  receive(message: DataMessage, payload: FramePayload, catchUp: boolean): void
  /** The log is known to reach this far. */
  expect(seq: number): void
  /** Applies some of what is ready. */
  applySome(): void
  /** Applies all that is ready. */
  drain(): void
  /** What has come and is not applied. */
  kept(): StoreEventPayload[]
  /**
   * Catch-up is complete. Gives the rebuild that this ends, if it does.
   * @throws FrameError when events are missing.
   */
  complete(through: number | null): Rebuild | null
  /** The next join gets everything anew. */
  rebuild(plan: Rebuild): void
}

export interface IntakeOptions {
  readonly store: string
  readonly port: SyncPort
  /** An event tells of an op that this version does not know. */
  unknownOp(op: string): void
}

export function createIntake({ store, port, unknownOp }: IntakeOptions): Intake {
  const inbox = createInbox()
  let terms: JoinTerms = { head: null, extensions: [], incarnation: null, reset: false }
  let rebuilding: Rebuild | null = null
  let cursor = port.cursor()
  /** Whether this join has put something into the staged state. */
  let staging = false
  /** Whether something may be staged that no rebuild and no snapshot is going to finish. */
  let leftovers = port.staging() !== null

  const beginStaging = (seq: number): void => {
    port.stageBegin(seq, terms.incarnation)
    staging = true
    leftovers = true
  }

  const apply = (run: readonly InboxEvent[], last: InboxEvent): void => {
    const events = run.map(({ event }) => event)
    if (rebuilding) {
      if (!staging) beginStaging(0)
      port.stageEvents(events)
    } else {
      port.applyEvents(events, { catchUp: last.catchUp })
      cursor = last.event.store_seq
    }
  }

  const applySome = (): void => {
    for (const run of runsOf(inbox.take(BATCH))) {
      const last = run.at(-1)
      if (!last) continue
      try {
        apply(run, last)
      } catch (error) {
        // They come again with the next join; kept, they would fail once more at its beginning. Room may come before.
        if (!isNoRoom(error)) inbox.reset(inbox.cursor)
        throw error
      }
      inbox.advance(last.event.store_seq)
    }
  }

  const drain = (): void => {
    while (inbox.ready > 0) applySome()
  }

  const receiveEvent = (payload: FramePayload, catchUp: boolean): void => {
    inbox.add({ event: decodeEvent(payload), catchUp })
    // Messages arrive faster than they are applied: without this, all of a long catch-up would pile up.
    if (inbox.ready >= BATCH) applySome()
  }

  const decodeEvent = (payload: FramePayload): StoreEventPayload => {
    if (!isUnknownOp(payload)) return decodeStoreEvent(payload)
    unknownOp(String(payload.op))
    return decodeStoreEvent(withoutEffect(payload))
  }

  const receiveSnapshot = (payload: FramePayload): void => {
    const { seq, entries } = decodeSnapshot(payload)
    // Own ops are recognised in events, not in a snapshot: those that came before it count first.
    drain()
    if (seq <= inbox.cursor) return
    if (rebuilding) {
      beginStaging(seq)
      for (const part of partsOf(entries)) port.stageEntries(part, null)
    } else {
      port.applySnapshot(seq, entries)
      cursor = seq
    }
    inbox.advance(seq)
  }

  const receiveChunk = (payload: FramePayload): void => {
    const { snapshot_seq: seq, entries, from, after, last } = decodeSnapshotChunk(payload)
    drain()
    if (seq <= inbox.cursor) return
    if (from === null) beginStaging(seq)
    else continueStaging(seq, from)
    port.stageEntries(entries, after)
    if (!last) return
    if (!rebuilding) {
      port.stageFinish(seq, { reset: false })
      leftovers = false
      cursor = seq
    }
    inbox.advance(seq)
  }

  const continueStaging = (seq: number, from: string): void => {
    const staged = port.staging()
    staging = true
    if (staged?.seq === seq && staged.after === from && staged.incarnation === terms.incarnation) return
    port.stageDrop()
    throw new FrameError(`${store}: a part of the snapshot is missing before ${from}. It is fetched anew.`)
  }

  const finish = (rebuild: Rebuild): void => {
    if (!staging) beginStaging(0)
    port.stageFinish(inbox.cursor, { reset: rebuild.reset })
    // In this order: a process that dies in between rebuilds once more, and never takes one history for another.
    port.setServer({ incarnation: terms.incarnation, extensions: terms.extensions })
    cursor = inbox.cursor
    rebuilding = null
  }

  /** A server without such ids says nothing about which history it has. */
  const rememberServer = (): void => {
    const known = port.server()
    const incarnation = terms.incarnation ?? known.incarnation
    if (incarnation === known.incarnation && sameNames(known.extensions, terms.extensions)) return
    port.setServer({ incarnation, extensions: terms.extensions })
  }

  const otherHistory = (): boolean => {
    const own = port.incarnation()
    if (terms.incarnation !== null && own !== null && terms.incarnation !== own) return true
    return terms.head !== null && terms.head < cursor
  }

  return {
    get cursor() {
      return cursor
    },
    get rebuilding() {
      return rebuilding
    },
    get ready() {
      return inbox.ready
    },
    get gap() {
      return inbox.gap
    },
    request() {
      cursor = port.cursor()
      staging = false
      const own = port.incarnation()
      const staged = port.staging()
      // A snapshot of another history: an earlier process was about to replace its copy by that.
      if (staged && staged.incarnation !== own) rebuilding ??= { reason: RESTORED, reset: true }
      inbox.reset(rebuilding ? 0 : cursor)
      return {
        last_store_seq: inbox.cursor,
        extensions: [...EXTENSIONS],
        incarnation: staged ? staged.incarnation : own,
        ...(staged && staged.after !== null && { snapshot: { seq: staged.seq, after: staged.after } }),
      }
    },
    joined(granted) {
      terms = granted
      const restored = terms.reset || otherHistory()
      const known = rebuilding !== null
      if (restored && !rebuilding?.reset) rebuilding = { reason: RESTORED, reset: true }
      if (!rebuilding) rememberServer()
      if (!restored || known) return 'continued'
      inbox.reset(0)
      return terms.reset ? 'restored' : 'ahead'
    },
    receive(message, payload, catchUp) {
      switch (message) {
        case 'event':
          return receiveEvent(payload, catchUp)
        case 'events':
          for (const event of splitEventBatch(payload)) receiveEvent(event, catchUp)
          return
        case 'snapshot':
          return receiveSnapshot(payload)
        case 'snapshot_chunk':
          return receiveChunk(payload)
      }
    },
    expect: inbox.expect,
    applySome,
    drain,
    kept: inbox.all,
    complete(through) {
      drain()
      if (through !== null && inbox.cursor < through) {
        throw new FrameError(
          `${store}: catch-up ended at ${through}, but the events after ${inbox.cursor} did not come.`,
        )
      }
      const finished = rebuilding
      if (finished) finish(finished)
      else if (leftovers) port.stageDrop()
      leftovers = false
      return finished
    },
    rebuild(plan) {
      // What has come until now continues the present copy, not the next.
      drain()
      rebuilding = plan
      port.stageDrop()
    },
  }
}

const RESTORED = "the server's store has another history than the local copy"

/** Neighbours of the same origin. */
function runsOf(items: readonly InboxEvent[]): InboxEvent[][] {
  const runs: InboxEvent[][] = []
  for (const item of items) {
    const run = runs.at(-1)
    if (run && run[0]?.catchUp === item.catchUp) run.push(item)
    else runs.push([item])
  }
  return runs
}

function* partsOf(entries: readonly SnapshotEntry[]): Generator<SnapshotEntry[]> {
  for (let at = 0; at < entries.length; at += BATCH) yield entries.slice(at, at + BATCH)
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}

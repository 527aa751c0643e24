import type { StoreEventPayload } from '@dustlayer/protocol'

/** Events that came too early and are kept until the ones before them have come. */
const MAX_EARLY = 10_000

export interface InboxEvent {
  readonly event: StoreEventPayload
  /** It came before the end of catch-up. */
  readonly catchUp: boolean
}

/**
 * Brings events into store_seq order. They may come early, twice or not at all (spec/wire.md §4.2); what comes
 * out is each event after the cursor once, without a gap.
 */
export interface Inbox {
  readonly cursor: number
  /** How many events can be taken now. */
  readonly ready: number
  /** Whether the log is known to reach further than what can be taken. */
  readonly gap: boolean
  add(item: InboxEvent): void
  /** Something else told that the log reaches this far: an ack. */
  expect(seq: number): void
  /** The next events, in order; they stay until `advance` says that they are applied. */
  take(limit: number): InboxEvent[]
  /** Everything up to `seq` is applied. */
  advance(seq: number): void
  /** All that is here, in no order. */
  all(): StoreEventPayload[]
  /** Forgets all events and begins at a cursor. */
  reset(cursor: number): void
}

export function createInbox(): Inbox {
  const events = new Map<number, InboxEvent>()
  let cursor = 0
  let readyEnd = 0
  let known = 0

  const extend = (): void => {
    while (events.has(readyEnd + 1)) readyEnd += 1
  }

  /** A snapshot may skip far more numbers than there are events. */
  const forgetUpTo = (seq: number): void => {
    if (seq - cursor <= events.size) for (let at = cursor + 1; at <= seq; at += 1) events.delete(at)
    else for (const at of events.keys()) if (at <= seq) events.delete(at)
  }

  return {
    get cursor() {
      return cursor
    },
    get ready() {
      return readyEnd - cursor
    },
    get gap() {
      return known > readyEnd
    },
    add(item) {
      const seq = item.event.store_seq
      known = Math.max(known, seq)
      if (seq <= cursor || events.has(seq)) return
      // One that is dropped here leaves a gap, and a gap is filled by catching up again.
      if (seq !== readyEnd + 1 && events.size - (readyEnd - cursor) >= MAX_EARLY) return
      events.set(seq, item)
      extend()
    },
    expect(seq) {
      known = Math.max(known, seq)
    },
    take(limit) {
      const taken: InboxEvent[] = []
      for (let seq = cursor + 1; seq <= readyEnd && taken.length < limit; seq += 1) {
        const item = events.get(seq)
        if (item) taken.push(item)
      }
      return taken
    },
    advance(seq) {
      forgetUpTo(seq)
      cursor = Math.max(cursor, seq)
      readyEnd = Math.max(readyEnd, cursor)
      extend()
    },
    all: () => Array.from(events.values(), ({ event }) => event),
    reset(seq) {
      events.clear()
      cursor = seq
      readyEnd = seq
      known = seq
    },
  }
}

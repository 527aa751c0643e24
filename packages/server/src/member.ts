import type { Frame } from '@dustlayer/protocol'
import type { Agreement } from './agreement.js'
import { createCatchUp } from './catch-up.js'
import type { Broadcast } from './event-frame.js'
import type { OpenStore } from './open-store.js'
import { type Reply, seqOf } from './reply.js'
import { createTurns, type Turns } from './turns.js'
import type { Outgoing, WireFormat } from './wire-format.js'

type Ref = Frame[1]

/** Where a member's frames go: one connection. */
export interface Outlet {
  readonly format: WireFormat
  send(frame: Outgoing): void
  /** Whether so much is waiting to be sent that the peer must first take some of it. */
  congested(): boolean
  /** Runs once what is waiting has gone out, never at once; never when the connection ends before. */
  whenDrained(run: () => void): void
}

/**
 * One topic joined on one connection: an ordered stream of the store's ops from one cursor. It reads the log until
 * it has reached the head, is live from then on, and goes back to reading the log when the peer is too slow.
 */
export interface Member {
  readonly topic: string
  readonly joinRef: Ref
  readonly store: OpenStore
  readonly agreement: Agreement
  /** Null unless the join agreed on `ordered_writes`. */
  readonly turns: Turns | null
  /** Begins with catch-up; call it right after the join reply. */
  start(): void
  /** Answers a push, but not before the events that the answer relies on have been sent. */
  reply(ref: Ref, reply: Reply, afterSeq?: number): void
  /** No more frames, except held replies, which go out now. */
  stop(): void
}

export interface MemberOptions {
  readonly outlet: Outlet
  readonly store: OpenStore
  readonly topic: string
  readonly joinRef: Ref
  /** The store_seq up to which the peer has everything; null for a peer that asks for nothing. */
  readonly lastStoreSeq: number | null
  readonly agreement: Agreement
  /** The store could not be read; the member is of no use any more. */
  readonly failed: (error: unknown) => void
}

interface HeldReply {
  readonly seq: number
  readonly frame: Outgoing
}

/** Ordinary commits have fewer ops; the rollback of a large store may have any number. */
const MOST_SENT_AT_ONCE = 1_000

export function createMember(options: MemberOptions): Member {
  const { outlet, store, topic, joinRef, lastStoreSeq, agreement, failed } = options
  const { format } = outlet
  const { sequencer, storage } = store
  const catchUp = createCatchUp({ outlet, storage, topic, joinRef, agreement })
  let cursor = lastStoreSeq ?? sequencer.head()
  let state: 'new' | 'reading' | 'live' | 'stopped' = 'new'
  let caughtUp = false
  /** In the order of their seqs. */
  const held: HeldReply[] = []
  let unfollow = () => {}

  const push = (event: string, payload: { [name: string]: number | null }) => {
    outlet.send(format.encode([joinRef, null, topic, event, payload]))
  }

  const advance = (seq: number) => {
    cursor = seq
    for (let next = held[0]; next && next.seq <= seq; next = held[0]) {
      held.shift()
      outlet.send(next.frame)
    }
  }

  const hold = (reply: HeldReply) => {
    // Nearly always at the end: only the first reply to an op that is sent again has an earlier seq.
    let at = held.length
    while ((held[at - 1]?.seq ?? 0) > reply.seq) at--
    held.splice(at, 0, reply)
  }

  // Runs from timers and other writers' commits, where nobody else would catch what it throws.
  const guarded = (run: () => void) => {
    try {
      run()
    } catch (error) {
      failed(error)
    }
  }

  const readLater = () => outlet.whenDrained(() => guarded(readOn))

  const readOn = (): void => {
    if (state !== 'reading') return
    if (outlet.congested()) {
      readLater()
      return
    }
    if (cursor < sequencer.head()) catchUp.page(cursor, advance)
    if (cursor < sequencer.head()) readLater()
    else goLive()
  }

  const goLive = () => {
    state = 'live'
    if (!caughtUp) {
      caughtUp = true
      push('catch_up_complete', { through_seq: lastStoreSeq === null ? null : cursor })
    }
    // A peer that claims to be ahead of the store gets what comes next all the same.
    cursor = Math.min(cursor, sequencer.head())
  }

  const deliver = (commit: Broadcast) => {
    if (state !== 'live') return
    if (outlet.congested() || commit.ops.length > MOST_SENT_AT_ONCE) {
      // The log keeps what is not sent now: nothing piles up in memory for a slow peer.
      state = 'reading'
      readLater()
      return
    }
    for (const frame of commit.frames(format, topic)) outlet.send(frame)
    advance(commit.ops.at(-1)?.seq ?? cursor)
  }

  return {
    topic,
    joinRef,
    store,
    agreement,
    turns: agreement.has('ordered_writes') ? createTurns() : null,
    start() {
      state = 'reading'
      unfollow = store.follow({ deliver: (commit) => guarded(() => deliver(commit)), cursor: () => cursor })
      guarded(readOn)
    },
    reply(ref, reply, afterSeq = seqOf(reply)) {
      const frame = format.encode([
        joinRef,
        ref,
        topic,
        'phx_reply',
        { status: reply.status, response: reply.response },
      ])
      if (afterSeq > cursor && state !== 'stopped') hold({ seq: afterSeq, frame })
      else outlet.send(frame)
    },
    stop() {
      unfollow()
      state = 'stopped'
      for (const { frame } of held.splice(0)) outlet.send(frame)
    },
  }
}

import {
  type ExtensionName,
  type Frame,
  type FramePayload,
  isObject,
  type JsonValue,
  type Op,
  parseBatch,
  parseJoinExtensions,
  parseWrite,
  type Ref,
  type Reply,
} from '@dustlayer/protocol'
import type { ModelStore } from '@dustlayer/protocol/testing'
import type { Clock } from '../clock.js'
import { catchUpMessages } from './fake-catch-up.js'
import type { Peer, PeerHandlers } from './fake-network.js'
import { createFakeStore, type FakeStore } from './fake-store.js'

export interface FakeStoreServerOptions {
  readonly clock: Clock
  readonly store: string
  /** Whether a repeated op id is recognised. The reference server does not (spec/gaps.md §1). */
  readonly dedup: boolean
  /** The protocol extensions that this server offers; none, as the reference, by default. */
  readonly extensions?: readonly ExtensionName[]
}

/** Heartbeats belong to the connection, not to a store. */
export function answerHeartbeat(peer: Peer, [, ref, topic, event]: Frame): void {
  if (event === 'heartbeat') peer.send([null, ref, topic, 'phx_reply', { status: 'ok', response: {} }])
}

/**
 * One store behind the real wire protocol, as small as it can be: the model store executes the ops. It misbehaves
 * on command in the ways that the reference does.
 */
export interface FakeStoreServer {
  readonly model: ModelStore
  readonly data: FakeStore
  readonly handlers: PeerHandlers
  /** Op ids in the order in which they took effect, each time that they did. */
  readonly effects: readonly string[]
  /** Joins count from here on. */
  extensions: readonly ExtensionName[]
  /** Writes refused by the rate limit until this time. */
  limitedUntil: number
  /** Only so many ops more are accepted; those after them are refused by the rate limit. */
  quota: number
  /** The server's disk is full, while set. */
  diskFull: boolean
  /** Ops that crash the channel, by id. */
  readonly poison: Set<string>
  /** The response that refuses every join, while set. */
  refuseJoin: FramePayload | null
  permissions: { read: boolean; write: boolean }
  /** Tokens that came over an open connection. */
  readonly reauthorizations: string[]
  /** Whether such a token is good. */
  accepts(token: string): boolean
  /** Writes take effect while set, and their answers are lost. */
  withholdAnswers: boolean
  /** Catch-up stops short of its end marker while set. */
  withholdComplete: boolean
  /** Entries in a chunk of a snapshot, events in a batch of events. */
  pageSize: number
  /** After so many chunks of a snapshot the connection ends. */
  chunksUntilCut: number
  /** Somebody else writes; `hidden` writes are not broadcast, as the reference's REST writes are not. */
  foreign(op: Op, options?: { readonly hidden?: boolean }): void
  /** Broadcasts are kept back while set, and then go out in the order that `arrange` gives. */
  holdBroadcasts: boolean
  releaseBroadcasts(arrange?: <T>(frames: T[]) => T[]): void
  /** The topic's process dies on every connection. */
  crash(): void
  /** The log up to this op becomes a snapshot; all of it by default. */
  compact(through?: number): void
  /** The server stops, and comes back from a backup as of this op: what came after is lost. */
  restore(seq: number): void
}

interface Member {
  readonly peer: Peer
  readonly joinRef: string
  readonly extensions: ReadonlySet<ExtensionName>
  /** The id of what was turned away, and has to come again before anything else. */
  turn: string | null
}

const TEMPORARY: ReadonlySet<unknown> = new Set(['rate_limited', 'storage_failed'])

export function createFakeStoreServer(options: FakeStoreServerOptions): FakeStoreServer {
  const { clock, store, dedup, extensions = [] } = options
  const topic = `store:${store}`
  const data = createFakeStore()
  const members = new Map<Peer, Member>()
  const answers = new Map<string, FramePayload>()
  const effects: string[] = []
  let held: (() => void)[] = []

  const broadcast = (seq: number): void => {
    const event = data.eventAt(seq)
    inTurn(() => {
      for (const { peer } of members.values()) peer.send([null, null, topic, 'event', event])
    })
  }

  /** After the broadcasts that are kept back. */
  const inTurn = (send: () => void): void => {
    if (server.holdBroadcasts) held.push(send)
    else send()
  }

  const grants = () => ({
    permissions: server.permissions,
    scopes: ['entries:read', 'entries:write'],
    store_access: { mode: 'all', store_ids: [] },
  })

  const join = (peer: Peer, ref: string, payload: FramePayload): void => {
    const old = members.get(peer)
    if (old) peer.send([old.joinRef, old.joinRef, topic, 'phx_close', {}])
    members.delete(peer)
    if (server.refuseJoin) {
      answer(peer, ref, ref, { status: 'error', response: server.refuseJoin })
      return
    }
    const asked = server.extensions.length > 0 ? parseJoinExtensions(payload) : null
    const common = new Set(server.extensions.filter((name) => asked?.extensions.includes(name)))
    const { head } = data.model
    const known = Number(payload.last_store_seq)
    const renewed = asked !== null && asked.incarnation !== null && asked.incarnation !== data.incarnation
    const reset = common.has('incarnation') && (renewed || known > head)
    members.set(peer, { peer, joinRef: ref, extensions: common, turn: null })
    const response = {
      store_seq: head,
      capver: 3,
      capver_min: 3,
      ...grants(),
      ...(asked && { extensions: [...common] }),
      ...(common.has('incarnation') && { incarnation: data.incarnation }),
      ...(reset && { reset }),
    }
    answer(peer, ref, ref, { status: 'ok', response })
    const cursor = reset ? 0 : known
    catchUp(peer, ref, { cursor, extensions: common, resume: (!reset && asked?.snapshot) || null })
  }

  const catchUp = (peer: Peer, ref: string, request: Parameters<typeof catchUpMessages>[1]): void => {
    for (const { event, payload } of catchUpMessages(data, request, server.pageSize)) {
      if (event === 'snapshot_chunk') {
        if (server.chunksUntilCut === 0) {
          server.chunksUntilCut = Number.POSITIVE_INFINITY
          peer.close(1006)
        }
        server.chunksUntilCut -= 1
      }
      peer.send([ref, null, topic, event, payload])
    }
    if (server.withholdComplete) return
    const through = Math.max(data.model.head, request.cursor)
    peer.send([ref, null, topic, 'catch_up_complete', { through_seq: through }])
  }

  const crashFor = ({ peer, joinRef }: Member): void => {
    members.delete(peer)
    peer.send([joinRef, joinRef, topic, 'phx_error', {}])
  }

  /** The refusal of so many ops, if any. */
  const refusalOf = (count: number): FramePayload | undefined => {
    if (!server.permissions.write) return { reason: 'missing_scope', scope: 'entries:write' }
    if (server.diskFull) return { reason: 'storage_failed' }
    const wait = server.limitedUntil - clock.now()
    if (wait > 0) return { reason: 'rate_limited', retry_after_ms: wait }
    if (server.quota < count) return { reason: 'rate_limited', retry_after_ms: 1_000 }
    server.quota -= count
    return undefined
  }

  const executeWrite = (peer: Peer, payload: FramePayload): Reply => {
    const refusal = refusalOf(1)
    if (refusal) return { status: 'error', response: refusal }
    const parsed = parseWrite(payload)
    if (!parsed.ok) return { status: 'error', response: { ...parsed.rejection } }
    const { op } = parsed
    const known = answers.get(op.opId)
    if (dedup && known) return { status: 'ok', response: known }
    const plan = data.apply(op, deviceOf(peer), clock.now())
    if (!plan.ok) return { status: 'error', response: { ...plan.rejection } }
    if (plan.noop) return { status: 'ok', response: { released: false } }
    return { status: 'ok', response: accepted(op, data.model.head, leaseOf(op, plan.value)) }
  }

  const executeBatch = (peer: Peer, payload: FramePayload): Reply => {
    const parsed = parseBatch(payload)
    if (!parsed.ok) return { status: 'error', response: { ...parsed.rejection } }
    const { id, ops } = parsed
    const refusal = refusalOf(ops.length)
    if (refusal) return { status: 'error', response: refusal }
    const known = answers.get(id)
    if (known) return { status: 'ok', response: known }
    const first = data.model.head + 1
    const refused = data.applyTogether(ops, deviceOf(peer))
    if (refused) return { status: 'error', response: { ...refused.rejection, op_index: refused.index } }
    const seqs = ops.map((op, index) => accepted(op, first + index).store_seq)
    const response = { store_seq: data.model.head, store_seqs: seqs }
    answers.set(id, response)
    return { status: 'ok', response }
  }

  const accepted = ({ opId }: Op, seq: number, rest: FramePayload = {}): { store_seq: number } => {
    const response = { ...rest, store_seq: seq }
    effects.push(opId)
    answers.set(opId, response)
    broadcast(seq)
    return response
  }

  /** One after the other where that was agreed on: behind what was turned away, everything else is too. */
  const take = (member: Member, event: string, payload: FramePayload): Reply => {
    const id = String(payload.client_op_id)
    if (member.turn !== null && member.turn !== id)
      return { status: 'error', response: { reason: 'out_of_turn' } }
    member.turn = null
    const reply = event === 'batch' ? executeBatch(member.peer, payload) : executeWrite(member.peer, payload)
    if (member.extensions.has('ordered_writes') && TEMPORARY.has(reply.response.reason)) member.turn = id
    return reply
  }

  const answer = (peer: Peer, joinRef: Ref, ref: Ref, reply: Reply): void => {
    peer.send([joinRef, ref, topic, 'phx_reply', reply])
  }

  const push = (member: Member, ref: Ref, event: string, payload: FramePayload): void => {
    const { peer, joinRef, extensions: common } = member
    const ok = (response: FramePayload): void => answer(peer, joinRef, ref, { status: 'ok', response })
    if (event === 'write' || (event === 'batch' && common.has('batch'))) {
      if (isPoisoned(payload)) crashFor(member)
      else {
        const reply = take(member, event, payload)
        if (!server.withholdAnswers) answer(peer, joinRef, ref, reply)
      }
    } else if (event === 'ack_seq') ok({})
    else if (event === 'status') ok({ current_seq: data.model.head })
    else if (event === 'digest' && common.has('digest')) {
      const response = { seq: data.model.head, digest: data.digest() }
      inTurn(() => ok(response))
    } else if (event === 'reauth' && common.has('reauth')) {
      const token = String(payload.token)
      server.reauthorizations.push(token)
      if (server.accepts(token)) ok(grants())
      else answer(peer, joinRef, ref, { status: 'error', response: { reason: 'unauthorized' } })
    } else crashFor(member)
  }

  const isPoisoned = (payload: FramePayload): boolean => server.poison.has(String(payload.client_op_id))

  const receive = (peer: Peer, [joinRef, ref, to, event, payload]: Frame): void => {
    if (to !== topic) return
    const member = members.get(peer)
    if (event === 'phx_join') {
      join(peer, String(ref), payload)
    } else if (!member) {
      answer(peer, null, ref, { status: 'error', response: { reason: 'unmatched topic' } })
    } else if (joinRef !== member.joinRef) {
      // As the framework does: dropped without a reply.
    } else if (event === 'phx_leave') {
      members.delete(peer)
      answer(peer, joinRef, ref, { status: 'ok', response: {} })
      peer.send([joinRef, joinRef, topic, 'phx_close', {}])
    } else push(member, ref, event, payload)
  }

  const server: FakeStoreServer = {
    get model() {
      return data.model
    },
    data,
    effects,
    extensions,
    limitedUntil: 0,
    quota: Number.POSITIVE_INFINITY,
    diskFull: false,
    poison: new Set(),
    refuseJoin: null,
    permissions: { read: true, write: true },
    reauthorizations: [],
    accepts: () => true,
    withholdAnswers: false,
    withholdComplete: false,
    pageSize: 500,
    chunksUntilCut: Number.POSITIVE_INFINITY,
    holdBroadcasts: false,
    handlers: {
      frame: receive,
      closed: (peer) => void members.delete(peer),
    },
    foreign(op, { hidden = false } = {}) {
      if (data.apply(op, 'other', clock.now()).ok && !hidden) broadcast(data.model.head)
    },
    releaseBroadcasts(arrange = (frames) => frames) {
      for (const send of arrange(held)) send()
      held = []
      server.holdBroadcasts = false
    },
    crash() {
      for (const member of [...members.values()]) crashFor(member)
    },
    compact(through = data.model.head) {
      data.compact(through)
    },
    restore(seq) {
      data.restore(seq, server.extensions.includes('incarnation'))
      const kept = new Set(data.log.map(({ opId }) => opId))
      for (const id of answers.keys()) if (!kept.has(id)) answers.delete(id)
      held = []
      for (const { peer } of [...members.values()]) peer.close(1001)
    },
  }
  return server
}

/** What the reply to a lease op says beside its place in the log. */
function leaseOf({ op }: Op, value: JsonValue): FramePayload {
  if ((op !== 'lease' && op !== 'renew') || !isObject(value)) return {}
  const { token = null, expires_at: expiresAt = null, holder = null } = value
  return { token, expires_at: expiresAt, holder }
}

function deviceOf({ url }: Peer): string {
  return /[?&]device_id=([^&]*)/.exec(url)?.[1] ?? ''
}

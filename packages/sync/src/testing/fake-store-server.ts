import {
  type Frame,
  type FramePayload,
  type Op,
  parsePath,
  parseWrite,
  type Ref,
  type Reply,
  type StoreEventPayload,
} from '@dustlayer/protocol'
import { createModelStore, type ModelStore } from '@dustlayer/protocol/testing'
import type { Clock } from '../clock.js'
import type { Peer, PeerHandlers } from './fake-network.js'

export interface FakeStoreServerOptions {
  readonly clock: Clock
  readonly store: string
  /** Whether a repeated op id is recognised. The reference server does not (spec/gaps.md §1). */
  readonly dedup: boolean
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
  readonly handlers: PeerHandlers
  /** Op ids in the order in which they took effect, each time that they did. */
  readonly effects: readonly string[]
  /** Writes refused by the rate limit until this time. */
  limitedUntil: number
  /** The server's disk is full, while set. */
  diskFull: boolean
  /** Ops that crash the channel, by id. */
  readonly poison: Set<string>
  /** The response that refuses every join, while set. */
  refuseJoin: FramePayload | null
  permissions: { read: boolean; write: boolean }
  /** Catch-up stops short of its end marker while set. */
  withholdComplete: boolean
  /** Somebody else writes; `hidden` writes are not broadcast, as the reference's REST writes are not. */
  foreign(op: Op, options?: { readonly hidden?: boolean }): void
  /** Broadcasts are kept back while set, and then go out in the order that `arrange` gives. */
  holdBroadcasts: boolean
  releaseBroadcasts(arrange?: <T>(frames: T[]) => T[]): void
  /** The topic's process dies on every connection. */
  crash(): void
}

interface Member {
  readonly peer: Peer
  readonly joinRef: string
}

export function createFakeStoreServer({ clock, store, dedup }: FakeStoreServerOptions): FakeStoreServer {
  const topic = `store:${store}`
  const model = createModelStore()
  const members = new Map<Peer, Member>()
  const devices = new Map<number, string>()
  const answers = new Map<string, FramePayload>()
  const effects: string[] = []
  let held: (() => void)[] = []

  const eventOf = (seq: number): StoreEventPayload => {
    const logged = model.log[seq - 1]
    if (!logged) throw new Error(`The log has no op ${seq}.`)
    const { op, path, value, opId } = logged
    const deviceId = devices.get(seq) ?? 'other'
    return {
      store_seq: seq,
      op,
      path,
      path_segments: [...parsePath(path)],
      value,
      device_id: deviceId,
      client_op_id: opId,
    }
  }

  const broadcast = (seq: number): void => {
    const send = (): void => {
      for (const { peer } of members.values()) peer.send([null, null, topic, 'event', eventOf(seq)])
    }
    if (server.holdBroadcasts) held.push(send)
    else send()
  }

  const join = (peer: Peer, ref: string, { last_store_seq: cursor }: FramePayload): void => {
    const old = members.get(peer)
    if (old) peer.send([old.joinRef, old.joinRef, topic, 'phx_close', {}])
    members.delete(peer)
    if (server.refuseJoin) {
      answer(peer, ref, ref, { status: 'error', response: server.refuseJoin })
      return
    }
    members.set(peer, { peer, joinRef: ref })
    const response = {
      store_seq: model.head,
      capver: 3,
      capver_min: 3,
      permissions: server.permissions,
      scopes: ['entries:read', 'entries:write'],
      store_access: { mode: 'all', store_ids: [] },
    }
    answer(peer, ref, ref, { status: 'ok', response })
    for (let seq = Number(cursor) + 1; seq <= model.head; seq += 1)
      peer.send([ref, null, topic, 'event', eventOf(seq)])
    if (!server.withholdComplete) {
      peer.send([
        ref,
        null,
        topic,
        'catch_up_complete',
        { through_seq: Math.max(model.head, Number(cursor)) },
      ])
    }
  }

  const crashFor = ({ peer, joinRef }: Member): void => {
    members.delete(peer)
    peer.send([joinRef, joinRef, topic, 'phx_error', {}])
  }

  /** The refusal of a write, if any. */
  const refusalOf = (): FramePayload | undefined => {
    if (!server.permissions.write) return { reason: 'missing_scope', scope: 'entries:write' }
    if (server.diskFull) return { reason: 'storage_failed' }
    const wait = server.limitedUntil - clock.now()
    return wait > 0 ? { reason: 'rate_limited', retry_after_ms: wait } : undefined
  }

  /** Executes a write and broadcasts it; gives its reply. */
  const execute = (peer: Peer, payload: FramePayload): Reply => {
    const refusal = refusalOf()
    if (refusal) return { status: 'error', response: refusal }
    const parsed = parseWrite(payload)
    if (!parsed.ok) return { status: 'error', response: { ...parsed.rejection } }
    const { op } = parsed
    const known = answers.get(op.opId)
    if (dedup && known) return { status: 'ok', response: known }
    const plan = model.apply(op)
    if (!plan.ok) return { status: 'error', response: { ...plan.rejection } }
    effects.push(op.opId)
    devices.set(model.head, deviceOf(peer))
    const response = { store_seq: model.head }
    answers.set(op.opId, response)
    broadcast(model.head)
    return { status: 'ok', response }
  }

  const answer = (peer: Peer, joinRef: Ref, ref: Ref, reply: Reply): void => {
    peer.send([joinRef, ref, topic, 'phx_reply', reply])
  }

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
    } else if (event === 'write') {
      if (server.poison.has(String(payload.client_op_id))) crashFor(member)
      else answer(peer, joinRef, ref, execute(peer, payload))
    }
  }

  const server: FakeStoreServer = {
    model,
    effects,
    limitedUntil: 0,
    diskFull: false,
    poison: new Set(),
    refuseJoin: null,
    permissions: { read: true, write: true },
    withholdComplete: false,
    holdBroadcasts: false,
    handlers: {
      frame: receive,
      closed: (peer) => void members.delete(peer),
    },
    foreign(op, { hidden = false } = {}) {
      if (model.apply(op).ok && !hidden) broadcast(model.head)
    },
    releaseBroadcasts(arrange = (frames) => frames) {
      for (const send of arrange(held)) send()
      held = []
      server.holdBroadcasts = false
    },
    crash() {
      for (const member of [...members.values()]) crashFor(member)
    },
  }
  return server
}

function deviceOf({ url }: Peer): string {
  return /[?&]device_id=([^&]*)/.exec(url)?.[1] ?? ''
}

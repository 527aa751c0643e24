import { readFileSync } from 'node:fs'
import {
  DustError,
  decodeStoreEvent,
  errorFromRejection,
  type FramePayload,
  type JsonValue,
  type Op,
  parseJson,
  parsePattern,
  parseWrite,
} from '@dustlayer/protocol'
import { describe, expect, it } from 'vitest'
import type { LocalOp } from './local-op.js'
import { openReplica, type Replica } from './replica.js'
import { openBetterSqlite } from './testing/better-sqlite.js'

interface Vectors {
  readonly sequences: readonly {
    readonly id: string
    readonly note: string
    readonly steps: readonly Step[]
    readonly entries: readonly { readonly path: string; readonly value: JsonValue; readonly seq: number }[]
  }[]
}
interface Step {
  readonly send?: { readonly payload: FramePayload }
  readonly reply?: { readonly status: string; readonly response: FramePayload }
  readonly event?: FramePayload | null
}

// The vectors are ours and of this shape; integers beyond 2^53 need the lossless parser.
const { sequences } = parseJson(
  readFileSync(new URL('../../protocol/vectors/dust-ops.json', import.meta.url), 'utf8'),
) as unknown as Vectors

function open(): Replica {
  return openReplica({ driver: openBetterSqlite(), store: 'o/s', deviceId: 'me', now: () => 0 })
}

function leaves(replica: Replica) {
  const { items } = replica.enum(parsePattern('**'))
  return items.flatMap((item) =>
    typeof item === 'string' ? [] : [{ path: item.path, value: item.value, seq: item.revision }],
  )
}

function withoutType(entries: Vectors['sequences'][number]['entries']) {
  return entries.map(({ path, value, seq }) => ({ path, value, seq }))
}

describe('E02 dust-ops: the events of every sequence give its entries', () => {
  it.each(sequences)('$id: $note', ({ steps, entries }) => {
    const replica = open()
    for (const { event } of steps) if (event) applyEvent(replica, event)
    expect(leaves(replica)).toEqual(withoutType(entries))
  })
})

describe('E03 dust-ops: written optimistically, with the answers delayed', () => {
  it.each(sequences)('$id: $note', ({ steps, entries }) => {
    const replica = open()
    let delayed: Step[] = []
    const deliver = () => {
      for (const step of delayed) answer(replica, step)
      delayed = []
    }
    for (const step of steps) {
      const op = localOp(step.send?.payload)
      // What a condition looks at has to be known first.
      if (!op || op.ifMatch !== undefined || op.ifAbsent) deliver()
      if (op) writeUnlessRefused(replica, op)
      delayed.push(step)
    }
    deliver()
    expect(leaves(replica)).toEqual(withoutType(entries))
    expect(replica.pending().count).toBe(0)
  })
})

/** The op of a step as an app would issue it; leases, fences and malformed payloads never enter the outbox. */
function localOp(payload: FramePayload | undefined): LocalOp | undefined {
  const parsed = payload && parseWrite(payload)
  if (!parsed?.ok || parsed.op.fence || !isLocal(parsed.op)) return undefined
  const { op, path, value, opId, ifMatch, ifAbsent } = parsed.op
  return {
    op,
    path,
    value,
    opId,
    ...(ifMatch !== undefined && { ifMatch }),
    ...(ifAbsent && { ifAbsent }),
  }
}

function isLocal(op: Op): op is Op & Pick<LocalOp, 'op'> {
  return op.op !== 'lease' && op.op !== 'renew' && op.op !== 'release'
}

function writeUnlessRefused(replica: Replica, op: LocalOp): void {
  try {
    replica.write(op)
  } catch (error) {
    if (!(error instanceof DustError)) throw error
  }
}

function answer(replica: Replica, { send, reply, event }: Step): void {
  const opId = String(send?.payload.client_op_id)
  if (event) applyEvent(replica, event)
  if (reply?.status !== 'error') return
  const reason = String(reply.response.reason)
  replica.sync.reject(opId, errorFromRejection({ ...reply.response, reason }, { store: 'o/s', path: '' }))
}

function applyEvent(replica: Replica, event: FramePayload): void {
  replica.sync.applyEvents([decodeStoreEvent({ device_id: 'me', ...event })], { catchUp: false })
}

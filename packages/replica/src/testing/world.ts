import {
  errorFromRejection,
  type Op,
  parsePath,
  parseWrite,
  type Rejection,
  type StoreEventPayload,
  type WritePayload,
} from '@dustlayer/protocol'
import { createModelStore, type ModelEvent, type ModelStore } from '@dustlayer/protocol/testing'
import type { SyncPort } from '../sync-port.js'

/** The server's answer to a push. */
type Answer =
  | { readonly kind: 'op'; readonly id: string; readonly storeSeq: number | null }
  | { readonly kind: 'batch'; readonly id: string; readonly storeSeqs: readonly number[] }
  | {
      readonly kind: 'refusal'
      readonly id: string
      readonly rejection: Rejection
      /** The batch's op at fault; undefined for a push of one op. */
      readonly opIndex?: number | null
    }

/**
 * A store server reduced to what a replica can observe: ops go in, events come out in log order, and an op id
 * is answered twice but takes effect once. What is on the way can be delivered in any interleaving, or lost.
 */
export interface World {
  readonly server: ModelStore
  /** Changes when the server is restored from a backup. */
  readonly incarnation: number
  /** Every op that the present history has accepted. */
  readonly log: readonly ModelEvent[]
  /** Op ids in the order in which they first reached the server. */
  readonly arrived: readonly string[]
  /** A client pushes one op; the answer is on its way afterwards. The server may have a reason of its own to refuse. */
  push(deviceId: string, payload: WritePayload, refusal?: Rejection): void
  /** A client pushes several ops as one. */
  pushBatch(deviceId: string, id: string, payloads: readonly WritePayload[], refusal?: Rejection): void
  foreign(op: Op): void
  /** Events with a seq in (from, from + limit]. */
  events(from: number, limit: number): StoreEventPayload[]
  /** Events after the cursor, at most `limit`, as a connected client would get them; `again` of them repeated. */
  deliverEvents(port: SyncPort, limit: number, again?: number): void
  /** The oldest answer on its way, if any. */
  deliverAnswer(port: SyncPort): void
  deliverSnapshot(port: SyncPort): void
  /** The connection is gone and with it the answers on their way. */
  disconnect(): void
  /** The server loses its last ops, as when it is restored from a backup; gives their ids. Connections are gone. */
  restore(ops: number): string[]
}

export function createWorld(): World {
  const arrived = new Set<string>()
  let server = createModelStore()
  let incarnation = 1
  /** What a backup brought; the rest of the log is the server's. */
  let restored: readonly ModelEvent[] = []
  let devices = new Map<number, string>()
  let answers = new Map<string, Answer>()
  let underway: Answer[] = []

  const log = (): readonly ModelEvent[] => [...restored, ...server.log]

  const accept = (deviceId: string, op: Op): Answer => {
    const plan = server.apply(op)
    if (!plan.ok) return { kind: 'refusal', id: op.opId, rejection: plan.rejection }
    if (plan.noop) return { kind: 'op', id: op.opId, storeSeq: null }
    devices.set(server.head, deviceId)
    return { kind: 'op', id: op.opId, storeSeq: server.head }
  }

  const acceptBatch = (deviceId: string, id: string, ops: readonly Op[]): Answer => {
    const trial = createModelStore(server.entries())
    for (const [opIndex, op] of ops.entries()) {
      const plan = trial.apply(op)
      if (!plan.ok) return { kind: 'refusal', id, rejection: plan.rejection, opIndex }
    }
    const storeSeqs = ops.map((op) => {
      const answer = accept(deviceId, op)
      answers.set(op.opId, answer)
      return server.head
    })
    return { kind: 'batch', id, storeSeqs }
  }

  const answer = (id: string, make: () => Answer): void => {
    const given = answers.get(id) ?? make()
    answers.set(id, given)
    underway.push(given)
  }

  const deliver = (port: SyncPort, given: Answer): void => {
    if (given.kind === 'op') port.ack(given.id, given.storeSeq)
    else if (given.kind === 'batch') port.ackBatch(given.id, given.storeSeqs)
    else {
      const error = errorFromRejection(given.rejection, { store: 'o/s' })
      if (given.opIndex === undefined) port.reject(given.id, error)
      else port.rejectBatch(given.id, error, given.opIndex)
    }
  }

  const events: World['events'] = (from, limit) =>
    log()
      .filter(({ seq }) => seq > from)
      .slice(0, limit)
      .map((event) => ({
        store_seq: event.seq,
        op: event.op,
        path: event.path,
        path_segments: [...parsePath(event.path)],
        value: event.value,
        device_id: devices.get(event.seq) ?? '',
        client_op_id: event.opId,
      }))

  return {
    get server() {
      return server
    },
    get incarnation() {
      return incarnation
    },
    get log() {
      return log()
    },
    get arrived() {
      return [...arrived]
    },
    push(deviceId, payload, rejection) {
      const op = parse(payload)
      arrived.add(op.opId)
      answer(op.opId, () => (rejection ? { kind: 'refusal', id: op.opId, rejection } : accept(deviceId, op)))
    },
    pushBatch(deviceId, id, payloads, rejection) {
      const ops = payloads.map(parse)
      for (const { opId } of ops) arrived.add(opId)
      answer(id, () =>
        rejection ? { kind: 'refusal', id, rejection, opIndex: null } : acceptBatch(deviceId, id, ops),
      )
    },
    foreign: (op) => void accept('foreign', op),
    events,
    deliverEvents(port, limit, again = 0) {
      port.applyEvents(events(port.cursor() - again, again + limit), { catchUp: false })
    },
    deliverAnswer(port) {
      const given = underway.shift()
      if (given) deliver(port, given)
    },
    deliverSnapshot: (port) => port.applySnapshot(server.head, server.entries()),
    disconnect() {
      underway = []
    },
    restore(ops) {
      const kept = boundaryAt(Math.max(0, server.head - ops), answers)
      const before = log()
      const lost = before.filter(({ seq }) => seq > kept).map(({ opId }) => opId)
      restored = before.filter(({ seq }) => seq <= kept)
      server = createModelStore()
      for (const event of restored) server.replay(event)
      const known = new Set(restored.map(({ opId }) => opId))
      devices = new Map([...devices].filter(([seq]) => seq <= kept))
      // Receipts are in the same file as the log. That of a batch goes with its ops.
      answers = new Map([...answers].filter(([, given]) => isKept(given, known, kept)))
      underway = []
      incarnation += 1
      return lost
    },
  }
}

/** A batch is one transaction, so no backup holds a part of one. */
function boundaryAt(seq: number, answers: ReadonlyMap<string, Answer>): number {
  for (const given of answers.values()) {
    if (given.kind !== 'batch') continue
    const [first, last] = [given.storeSeqs[0], given.storeSeqs.at(-1)]
    if (first !== undefined && last !== undefined && first <= seq && seq < last) return first - 1
  }
  return seq
}

function isKept(given: Answer, known: ReadonlySet<string>, kept: number): boolean {
  if (given.kind === 'op') return known.has(given.id)
  return given.kind === 'batch' && given.storeSeqs.every((seq) => seq <= kept)
}

function parse(payload: WritePayload): Op {
  const parsed = parseWrite({ ...payload })
  if (parsed.ok) return parsed.op
  throw new Error(`an op reached the server that no server accepts: ${parsed.rejection.reason}`)
}

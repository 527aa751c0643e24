import {
  errorFromRejection,
  type Op,
  parsePath,
  parseWrite,
  type StoreEventPayload,
  type WritePayload,
} from '@dustlayer/protocol'
import { createModelStore, type ModelStore } from '@dustlayer/protocol/testing'
import type { SyncPort } from '../sync-port.js'

/** The server's answer to one op. */
interface Answer {
  readonly opId: string
  readonly storeSeq: number | null
  readonly rejection: { readonly reason: string } | null
}

/**
 * A store server reduced to what a replica can observe: ops go in, events come out in log order, and an op id
 * is answered twice but takes effect once. What is on the way can be delivered in any interleaving, or lost.
 */
export interface World {
  readonly server: ModelStore
  /** Op ids in the order in which they first reached the server. */
  readonly arrived: readonly string[]
  /** A client pushes one op; the answer is on its way afterwards. The server may have a reason of its own to refuse. */
  push(deviceId: string, payload: WritePayload, refusal?: { readonly reason: string }): void
  foreign(op: Op): void
  /** Events after the cursor, at most `limit`, as a connected client would get them; `again` of them repeated. */
  deliverEvents(port: SyncPort, limit: number, again?: number): void
  /** The oldest answer on its way, if any. */
  deliverAnswer(port: SyncPort): void
  deliverSnapshot(port: SyncPort): void
  /** The connection is gone and with it the answers on their way. */
  disconnect(): void
}

export function createWorld(): World {
  const server = createModelStore()
  const devices = new Map<number, string>()
  const answers = new Map<string, Answer>()
  const arrived: string[] = []
  let underway: Answer[] = []

  const apply = (deviceId: string, op: Op): Answer => {
    const plan = server.apply(op)
    if (!plan.ok) return { opId: op.opId, storeSeq: null, rejection: plan.rejection }
    devices.set(server.head, deviceId)
    return { opId: op.opId, storeSeq: server.head, rejection: null }
  }

  return {
    server,
    arrived,
    push(deviceId, payload, refusal) {
      const known = answers.get(payload.client_op_id)
      if (known) {
        underway.push(known)
        return
      }
      const parsed = parseWrite({ ...payload })
      if (!parsed.ok)
        throw new Error(`an op reached the server that no server accepts: ${parsed.rejection.reason}`)
      const answer = refusal
        ? { opId: parsed.op.opId, storeSeq: null, rejection: refusal }
        : apply(deviceId, parsed.op)
      arrived.push(answer.opId)
      answers.set(answer.opId, answer)
      underway.push(answer)
    },
    foreign: (op) => void apply('foreign', op),
    deliverEvents(port, limit, again = 0) {
      const from = port.cursor() - again
      const events = server.log.filter(({ seq }) => seq > from).slice(0, again + limit)
      port.applyEvents(
        events.map(
          (event): StoreEventPayload => ({
            store_seq: event.seq,
            op: event.op,
            path: event.path,
            path_segments: [...parsePath(event.path)],
            value: event.value,
            device_id: devices.get(event.seq) ?? '',
            client_op_id: event.opId,
          }),
        ),
        { catchUp: false },
      )
    },
    deliverAnswer(port) {
      const answer = underway.shift()
      if (!answer) return
      if (answer.rejection) port.reject(answer.opId, errorFromRejection(answer.rejection, { store: 'o/s' }))
      else port.ack(answer.opId, answer.storeSeq)
    },
    deliverSnapshot: (port) => port.applySnapshot(server.head, server.entries()),
    disconnect() {
      underway = []
    },
  }
}

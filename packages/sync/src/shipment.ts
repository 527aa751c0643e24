import { type FramePayload, toBatchPayload } from '@dustlayer/protocol'
import type { OutboxOp, SyncPort } from '@dustlayer/replica'

/** What goes to the server in one push: an op of its own, or a batch whole. */
export interface Shipment {
  /** The id under which the server remembers it. */
  readonly id: string
  readonly event: 'write' | 'batch'
  /** In issue order, at least one. */
  readonly ops: readonly [OutboxOp, ...OutboxOp[]]
  /** It must not be sent to this server: it is a batch, and the server would not take it as one. */
  readonly unsupported: boolean
}

export function payloadOf({ event, id, ops }: Shipment): FramePayload {
  return event === 'write'
    ? ops[0].payload
    : toBatchPayload(
        id,
        ops.map(({ payload }) => payload),
      )
}

export function lastPosition({ ops }: Shipment): number {
  return ops[ops.length - 1]?.position ?? ops[0].position
}

/** The next shipments after a position of the outbox: about `limit` ops, since a batch is never cut. */
export function readShipments(
  port: Pick<SyncPort, 'outbox'>,
  after: number,
  limit: number,
  { batches }: { readonly batches: boolean },
): Shipment[] {
  const ops = port.outbox(after, limit)
  const shipments: Shipment[] = []
  for (let at = 0; at < ops.length; ) {
    const batch = batchFrom(ops, at)
    if (!batch) break
    const [first] = batch
    const mark = first.batch
    // One that may be cut, and of which the server has some ops already, is sent like any other ops.
    const whole = batches && batch.every(({ acked }) => acked === first.acked)
    if (mark && (whole || !mark.separate))
      shipments.push({ id: mark.id, event: 'batch', ops: batch, unsupported: !batches })
    else
      for (const op of batch) shipments.push({ id: op.opId, event: 'write', ops: [op], unsupported: false })
    at += batch.length
  }
  return shipments
}

/** The ops of one batch that stand there, or the one op. */
function batchFrom(ops: readonly OutboxOp[], at: number): readonly [OutboxOp, ...OutboxOp[]] | undefined {
  const first = ops[at]
  if (!first) return undefined
  let end = at + 1
  while (first.batch && ops[end]?.batch?.id === first.batch.id) end += 1
  return [first, ...ops.slice(at + 1, end)]
}

import { BatchUnsupportedError, type DustError, type FrameError, RejectedError } from '@dustlayer/protocol'
import type { Shipment } from './shipment.js'

// Why a shipment is refused without asking the server about it (any more).

/** Its payload does not fit into a message. */
export function unencodable(store: string, shipment: Shipment, cause: FrameError): DustError {
  const message = `${whereOf(store, shipment)}: the value cannot be sent. ${cause.message}`
  return new RejectedError('not_encodable', message, targetOf(store, shipment))
}

/** The server's side crashed twice while this alone was under way. */
export function quarantined(store: string, shipment: Shipment): DustError {
  const message = `${whereOf(store, shipment)}: the server fails whenever it gets this; it is not sent any more.`
  return new RejectedError('quarantined', message, targetOf(store, shipment))
}

/** The server does not know batches, and the caller did not allow the ops to be sent one by one. */
export function unsupportedBatch(store: string, shipment: Shipment): DustError {
  const message = `${whereOf(store, shipment)}: this server cannot apply ops together, so the batch was undone. Allow separate writes ({ fallback: 'separate' }), or use a server with the batch extension.`
  return new BatchUnsupportedError(message, targetOf(store, shipment))
}

/** What an error about a shipment names: its path, where it is a single op. */
export function targetOf(
  store: string,
  { event, ops }: Shipment,
): { readonly store: string; readonly path?: string } {
  return event === 'write' ? { store, path: ops[0].payload.path } : { store }
}

function whereOf(store: string, { event, ops }: Shipment): string {
  return event === 'write' ? `${store} ${ops[0].payload.path}` : `${store}, a batch of ${ops.length} ops`
}

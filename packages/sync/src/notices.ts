import { DustError } from '@dustlayer/protocol'
import type { Rebuild } from './intake.js'

// What is told of a store that goes on all the same.

export function unknownOp(store: string, op: string): DustError {
  const message = `${store}: the op "${op}" is of a newer version; its effect is not shown here.`
  return new DustError('unknown_op', message, { store })
}

export function unknownEvent(store: string, event: string): DustError {
  const message = `${store}: the server sent "${event}", which this version does not know.`
  return new DustError('unknown_event', message)
}

export function rebuilt(store: string, { reason }: Rebuild): DustError {
  const message = `${store}: the local copy is built anew, because ${reason}. Pending writes stay.`
  return new DustError('resync', message, { store, reason })
}

export function listenerFailed(store: string, detail: string, cause: ErrorOptions): DustError {
  return new DustError('listener_failed', `${store}: a status listener threw: ${detail}`, {}, cause)
}

/** Names of a server can have any length, and some are remembered. */
export function shown(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name
}

import type { JsonMap, Rejection } from '@dustlayer/protocol'

/** The answer to a push, as `phx_reply` carries it (spec/wire.md §3). */
export interface Reply {
  readonly status: 'ok' | 'error'
  readonly response: JsonMap
}

export function accepted(response: JsonMap = {}): Reply {
  return { status: 'ok', response }
}

export function rejected(rejection: Rejection): Reply {
  return { status: 'error', response: { ...rejection } }
}

/** The store_seq that the sender must have seen before it may see this reply; 0 when there is none. */
export function seqOf({ status, response }: Reply): number {
  const seq = response.store_seq
  return status === 'ok' && typeof seq === 'number' ? seq : 0
}

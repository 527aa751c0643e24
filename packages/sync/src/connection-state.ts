import type { DustError } from '@dustlayer/protocol'

/**
 * - `idle`: nobody needs a connection.
 * - `connecting`: the first attempt, or the one right after a loss.
 * - `open`: frames can flow.
 * - `offline`: attempts failed, or the machine has no network; further ones follow by themselves.
 * - `refused`: the server turned the handshake down; it is tried again, rarely.
 * - `closed`: for good.
 */
export interface ConnectionState {
  readonly kind: 'idle' | 'connecting' | 'open' | 'offline' | 'refused' | 'closed'
  /** Why there is no connection, where that is known. */
  readonly error: DustError | null
}

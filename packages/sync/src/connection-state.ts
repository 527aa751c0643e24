import type { DustError } from '@dustlayer/protocol'

/**
 * - `idle`: nobody needs a connection.
 * - `connecting`: the first attempt, or the one right after a loss.
 * - `open`: frames can flow.
 * - `offline`: attempts failed, or the machine has no network; further ones follow by themselves.
 * - `no-token`: the token function has not answered; the attempt goes on when it does.
 * - `refused`: the server turned the handshake down; it is tried again, rarely.
 * - `closed`: for good.
 */
export interface ConnectionState {
  readonly kind: 'idle' | 'connecting' | 'open' | 'offline' | 'no-token' | 'refused' | 'closed'
  /** Why there is no connection, where that is known. */
  readonly error: DustError | null
}

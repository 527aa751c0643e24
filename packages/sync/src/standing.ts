import type { DustError } from '@dustlayer/protocol'
import type { ChannelPhase } from './channel.js'
import type { ConnectionState } from './connection-state.js'
import type { HeldBy, SyncState } from './status.js'

// What the connection and the membership of a store mean for the one who asks how it stands.

/** `behind`: what the server sends cannot be taken in. */
export function stateOf({ kind }: ConnectionState, phase: ChannelPhase, behind: boolean): SyncState {
  if (kind === 'open') return phase === 'refused' || (phase === 'live' && !behind) ? phase : 'catching-up'
  if (kind === 'offline' || kind === 'refused') return kind
  return kind === 'closed' || kind === 'no-token' ? 'offline' : 'connecting'
}

/** `refusal`: why the server does not let this token into the store, or takes no writes from it. */
export function heldBy({ kind }: ConnectionState, refusal: DustError | null): HeldBy | null {
  if (kind === 'refused' || kind === 'no-token') return 'needs-auth'
  if (kind === 'offline' || kind === 'closed') return 'no-network'
  if (!refusal) return null
  return refusal.code === 'store_archived' ? 'store-archived' : 'needs-auth'
}

import type { Frame } from '@dustlayer/protocol'
import type { Barrier } from './barrier.js'
import type { ConnectionState } from './connection-state.js'
import type { Requests } from './requests.js'
import type { Session } from './session.js'
import type { SyncStatus } from './status.js'
import type { Verification } from './verification.js'

/** The sync of one store, as its owner sees it. */
export interface StoreSync {
  /** There is something new in the outbox. */
  outboxChanged(): void
  status(): SyncStatus
  /** Calls the listener after each change of the status. The result stops that. */
  onStatus(listener: (status: SyncStatus) => void): () => void
  /**
   * Resolves when every op that is in the outbox now has the server's answer and is confirmed here, and everything
   * that the server has now is here. Waits through outages; rejects with the signal's reason, or ClosedError when the
   * sync ends.
   */
  synced: Barrier['synced']
  /**
   * Pushes what has to be answered now or not at all, such as a lease op, and gives the response. Rejects with the
   * server's refusal as an error of its class; with UnavailableError when the store is not live, when the connection
   * is lost, or without an answer in time (whether it took effect is unknown then); with the signal's reason.
   */
  request: Requests['request']
  /**
   * Compares the confirmed state with the server's, and builds it anew when they differ. Rejects with
   * UnavailableError when the server cannot be asked now.
   */
  verify: Verification['verify']
  /** Builds the confirmed state anew from the server's, at once or with the next join. Pending ops stay. */
  resync(reason: string): void
  /** Ends the sync of this store. The replica stays as it is. */
  detach(): void
}

/** What the connection drives. */
export interface StoreSyncCore extends Omit<StoreSync, 'detach'> {
  /** Whether data is coming or going. */
  busy(): boolean
  /** How the store can be told of another token: over its topic, or not while it is joined; `absent`: it is not. */
  renewal(): 'reauth' | 'unable' | 'absent'
  /** Tells the server of another token over the store's topic. */
  reauthorize(token: string): void
  /** Asks again to be let in, if the server has refused that. */
  knock(): void
  opened(session: Session): void
  lost(loss: 'lost' | 'blamed'): void
  connectionChanged(state: ConnectionState): void
  receive(frame: Frame): void
  close(): void
}

export { type Clock, createClock, type TimerFunctions } from './clock.js'
export type { SyncState, SyncStatus } from './status.js'
export type { StoreSync } from './store-sync.js'
export { createSyncClient, type SyncClient, type SyncClientOptions } from './sync-client.js'
export type { TokenSource } from './token.js'
export type { Link, LinkClose, LinkHandlers, Network, ProbeResult, Transport } from './transport.js'
export {
  createWebSocketTransport,
  type FetchResponse,
  type SocketEvent,
  type WebSocketLike,
  type WebSocketTransportOptions,
} from './web-socket-transport.js'

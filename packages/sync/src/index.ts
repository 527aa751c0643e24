export type { AbortSignalLike } from './abort-signal.js'
export { type Clock, createClock, steadyNow, type TimerFunctions } from './clock.js'
export type { RequestOptions } from './requests.js'
export type { HeldBy, SyncState, SyncStatus } from './status.js'
export type { StoreSync } from './store-sync.js'
export { createSyncClient, type SyncClient, type SyncClientOptions } from './sync-client.js'
export type { IssuedToken, TokenAnswer, TokenSource } from './token.js'
export type { Link, LinkClose, LinkHandlers, Network, ProbeResult, Transport } from './transport.js'
export type { Verified } from './verification.js'
export {
  createWebSocketTransport,
  type FetchResponse,
  type SocketEvent,
  type WebSocketLike,
  type WebSocketTransportOptions,
} from './web-socket-transport.js'

export {
  createFakeNetwork,
  type FakeNetwork,
  type FakeNetworkOptions,
  type Peer,
  type PeerHandlers,
} from './fake-network.js'
export { createFakeOnline, type FakeOnline } from './fake-online.js'
export {
  answerHeartbeat,
  createFakeStoreServer,
  type FakeStoreServer,
  type FakeStoreServerOptions,
} from './fake-store-server.js'
export { createFakeTime, type FakeClock, type FakeTime } from './fake-time.js'

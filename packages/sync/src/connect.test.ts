import { expect, test } from 'vitest'
import { createWorld, STORE } from './testing/world.js'

const TOPIC = `store:${STORE}`

test('the first attach connects; catch-up makes the store live', () => {
  const world = createWorld()
  const states: string[] = []
  world.sync.onStatus(({ state }) => states.push(state))
  expect(world.sync.status()).toMatchObject({
    state: 'connecting',
    caughtUpAt: null,
    permissions: { read: false },
  })
  world.settle()
  expect([...new Set(states)]).toEqual(['connecting', 'catching-up', 'live'].slice(1))
  expect(world.sync.status()).toMatchObject({
    state: 'live',
    permissions: { read: true, write: true },
    storeAccess: { mode: 'all' },
    caughtUpAt: world.sync.status().since,
  })
})

test('a lost connection is made anew, at first soon and then ever later', () => {
  const world = createWorld({ random: () => 0.999 })
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  const dialled: number[] = []
  let peers = world.network.peers.length
  for (let second = 0; second < 200; second += 1) {
    world.time.advance(1_000)
    if (world.network.peers.length > peers) dialled.push(second)
    peers = world.network.peers.length
  }
  const waits = dialled.map((second, index) => second - (dialled[index - 1] ?? 0))
  expect(waits[0]).toBeLessThanOrEqual(1)
  expect([...waits].sort((a, b) => a - b)).toEqual(waits)
  expect(Math.max(...waits)).toBeLessThanOrEqual(31)
  expect(world.sync.status()).toMatchObject({
    state: 'offline',
    heldBy: 'no-network',
    error: { code: 'unavailable' },
  })

  world.network.unreachable = false
  world.settle()
  expect(world.sync.status()).toMatchObject({ state: 'live', heldBy: null, error: null })
})

test('B21 a heartbeat without an answer ends the connection, and a new one is made', () => {
  const world = createWorld()
  world.settle()
  world.network.silence()
  world.time.advance(24_000)
  expect(world.network.peers).toHaveLength(1)
  world.time.advance(12_000)
  expect(world.network.peers).toHaveLength(2)
  world.settle()
})

test('a paused client stays off the network, whatever happens, and comes back when it is resumed', () => {
  const world = createWorld()
  world.settle()
  world.client.pause()
  expect(world.sync.status()).toMatchObject({ state: 'offline', error: null })
  world.client.probe()
  world.client.reconnect()
  world.time.advance(120_000)
  expect(world.network.peers).toHaveLength(1)
  world.client.resume()
  world.settle()
  expect(world.network.peers).toHaveLength(2)
  expect(world.sync.status().state).toBe('live')
})

test('heartbeats keep an idle connection open', () => {
  const world = createWorld()
  world.settle()
  world.time.advance(200_000)
  expect(world.network.peers).toHaveLength(1)
  expect(world.network.peer().received.filter(([, , , event]) => event === 'heartbeat')).toHaveLength(8)
})

test('a probe finds a dead connection within seconds', () => {
  const world = createWorld()
  world.settle()
  world.network.silence()
  world.client.probe()
  world.time.advance(3_600)
  expect(world.network.peers).toHaveLength(2)
  world.settle()
})

test('a probe of a live connection leaves it alone', () => {
  const world = createWorld()
  world.settle()
  world.client.probe()
  world.time.advance(20_000)
  expect(world.network.peers).toHaveLength(1)
})

test('B22 refs begin anew with each connection, and no reply is taken for that of an earlier push', () => {
  const world = createWorld()
  world.settle()
  world.network.silence()
  world.put('a', 1)
  world.server.withholdComplete = true
  world.client.reconnect()
  world.time.advance(10)
  const [first, second] = world.network.peers.map(({ received }) => received[0]?.slice(0, 4))
  expect(second).toEqual(first)
  // The write was push 2 of the first connection; this connection has made no such push.
  world.network.peer().send(['1', '2', TOPIC, 'phx_reply', { status: 'ok', response: { store_seq: 0 } }])
  world.time.advance(10)
  expect(world.replica.pending().count).toBe(1)
})

test('offline: attempts are rare until the network is back, then one is made at once', () => {
  const world = createWorld()
  world.settle()
  world.online.set(false)
  world.network.unreachable = true
  world.network.cut()
  world.time.advance(290_000)
  expect(world.network.peers).toHaveLength(5)
  expect(world.sync.status()).toMatchObject({ state: 'offline', heldBy: 'no-network' })
  world.network.unreachable = false
  world.online.set(true)
  world.time.advance(10)
  expect(world.network.peers).toHaveLength(6)
  expect(world.sync.status().state).toBe('live')
})

test('a browser that is wrong about having no network does not keep the client offline', () => {
  const world = createWorld()
  world.settle()
  world.online.set(false)
  world.network.cut()
  world.time.advance(61_000)
  expect(world.sync.status().state).toBe('live')
})

test('going offline does not end a connection that works all the same', () => {
  const world = createWorld()
  world.settle()
  world.online.set(false)
  world.time.advance(60_000)
  expect(world.network.peers).toHaveLength(1)
  expect(world.sync.status().state).toBe('live')
})

test('a client that starts offline waits for the network', () => {
  const world = createWorld()
  world.sync.detach()
  world.online.set(false)
  const sync = world.client.attach(STORE, world.replica.sync)
  world.time.advance(59_000)
  expect(sync.status().state).toBe('offline')
  world.online.set(true)
  world.time.until(() => sync.status().state === 'live')
})

test('A15 a refused handshake is a typed error and tried again rarely', async () => {
  const world = createWorld({
    admit: () => false,
    probe: async () => ({ outcome: 'refused', reason: 'bad_token' }),
  })
  await world.time.advanceAsync(1_500)
  expect(world.network.peers).toHaveLength(1)
  expect(world.sync.status()).toMatchObject({
    state: 'refused',
    heldBy: 'needs-auth',
    error: { name: 'AuthorizationError', code: 'unauthorized', fields: { reason: 'bad_token' } },
  })
  await world.time.advanceAsync(120_000)
  expect(world.network.peers.length).toBeLessThan(8)
})

test('I20 while the token is refused, data can be read and writes wait; a new token lets them go', async () => {
  let token = 'old'
  const world = createWorld({
    token: () => token,
    admit: (url) => url.includes('token=new'),
    probe: async () => ({ outcome: 'refused', reason: 'bad_token' }),
  })
  world.put('a', 1)
  await world.time.advanceAsync(10_000)
  expect(world.sync.status().state).toBe('refused')
  expect(world.replica.get('a')).toBe(1)
  expect(world.replica.pending().count).toBe(1)
  token = 'new'
  world.client.reconnect()
  await world.time.advanceAsync(100)
  expect(world.sync.status()).toMatchObject({ state: 'live', error: null })
  expect(world.server.model.read('a')).toBe(1)
})

test('the server says when to come again', async () => {
  const world = createWorld({
    admit: () => false,
    probe: async () => ({ outcome: 'busy', retryAfterMs: 20_000 }),
  })
  await world.time.advanceAsync(19_900)
  expect(world.network.peers).toHaveLength(1)
  await world.time.advanceAsync(200)
  expect(world.network.peers).toHaveLength(2)
})

test('a failing probe tells nothing and holds nothing up', async () => {
  const world = createWorld({ admit: () => false, probe: () => Promise.reject(new Error('CORS')) })
  await world.time.advanceAsync(5_000)
  expect(world.sync.status()).toMatchObject({ state: 'offline', error: { code: 'unavailable' } })
  expect(world.network.peers.length).toBeGreaterThan(2)
})

test('a token function is called for each attempt, and its failures are told and tried again', async () => {
  let calls = 0
  const world = createWorld({
    async token() {
      calls += 1
      if (calls < 3) throw new Error('no session')
      return `t${calls}`
    },
  })
  await world.time.advanceAsync(300)
  expect(world.sync.status()).toMatchObject({ state: 'offline', error: { code: 'unavailable' } })
  expect(world.sync.status().error?.message).toContain('no session')
  await world.time.advanceAsync(10_000)
  expect(world.sync.status().state).toBe('live')
  expect(world.network.peer().url).toContain('token=t3')
})

test('a token function that gives nothing needs a sign-in', async () => {
  const world = createWorld({ token: () => '' })
  await world.time.advanceAsync(10)
  expect(world.sync.status()).toMatchObject({ state: 'refused', error: { name: 'AuthorizationError' } })
})

test('a token function that never answers does not block for ever', async () => {
  let calls = 0
  const world = createWorld({
    token() {
      calls += 1
      return calls === 1 ? new Promise(() => {}) : 't'
    },
  })
  await world.time.advanceAsync(119_000)
  expect(calls).toBe(1)
  await world.time.advanceAsync(5_000)
  expect(world.sync.status().state).toBe('live')
})

test('a peer that sends what is no frame is left, reported, and tried again with growing waits', () => {
  const world = createWorld()
  world.settle()
  for (const rounds of [1, 2, 3]) {
    world.network.peer().sendRaw('{"no":"frame"}')
    world.time.advance(500)
    expect(world.problems).toHaveLength(rounds)
    expect(world.problems.at(-1)?.code).toBe('bad_frame')
    world.settle()
  }
})

test('the connection ends with the last store and comes back with the next', () => {
  const world = createWorld()
  world.settle()
  world.sync.detach()
  world.time.advance(10)
  expect(world.network.peer().open).toBe(false)
  expect(world.clock.pending).toBe(0)
  const sync = world.client.attach(STORE, world.replica.sync)
  world.time.until(() => sync.status().state === 'live')
  expect(() => world.client.attach(STORE, world.replica.sync)).toThrow('attached already')
})

test.each([0, 1, 2, 3, 5, 50])('close after %d ms leaves nothing running and tells nothing more', (ms) => {
  const world = createWorld()
  world.put('a', 1)
  world.time.advance(ms)
  world.client.close()
  let told = 0
  world.sync.onStatus(() => {
    told += 1
  })
  world.time.advance(100_000)
  expect([world.clock.pending, world.online.listeners, told]).toEqual([0, 0, 0])
  expect(world.network.peers.filter(({ open }) => open)).toEqual([])
  expect(() => world.client.attach('acme/b', world.replica.sync)).toThrow('closed')
})

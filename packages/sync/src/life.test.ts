import { expect, test } from 'vitest'
import { createWorld, type World } from './testing/world.js'

// What machines, browsers and networks do to a connection (docs/failure-modes.md C21, C26).

/** The times at which the client dials from now on, in ms. */
function dials(world: World): number[] {
  const times: number[] = []
  world.network.onDial = () => times.push(world.time.now)
  return times
}

function liveAgain(world: World, withinMs: number): void {
  world.time.until(() => world.network.peer().open && world.sync.status().state === 'live', withinMs)
}

test('C21 a dead socket is found within seconds after a sleep, and let go of although it never closes', () => {
  const world = createWorld()
  world.settle()
  world.network.silence()
  world.time.sleep(3_600_000)
  liveAgain(world, 4_000)
  expect(world.network.peers).toHaveLength(2)
})

test('C21 a socket that survived the sleep is kept', () => {
  const world = createWorld()
  world.settle()
  world.time.sleep(3_600_000)
  world.time.advance(60_000)
  expect(world.network.peers).toHaveLength(1)
  expect(world.sync.status().state).toBe('live')
})

test('C21 a sleep ends the wait for the next attempt, and what was tried before it', () => {
  const world = createWorld({ random: () => 0.999 })
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  world.time.advance(120_000)
  expect(world.sync.status().state).toBe('offline')
  world.network.unreachable = false
  const times = dials(world)
  world.time.sleep(600_000)
  liveAgain(world, 12_000)
  expect(times).toHaveLength(1)
})

test('C21 an attempt that hangs from before the sleep is begun anew', () => {
  const world = createWorld({ latency: () => 1 })
  world.settle()
  world.network.hanging = true
  world.network.cut()
  world.time.advance(5_000)
  expect(world.sync.status().state).not.toBe('live')
  world.network.hanging = false
  world.client.probe()
  liveAgain(world, 100)
})

test('C21 visible, shown, online and awake at the same moment are one question with one deadline', () => {
  const world = createWorld()
  world.settle()
  world.network.silence()
  for (let sign = 0; sign < 4; sign += 1) {
    world.client.probe()
    world.online.set(true)
    world.time.advance(700)
  }
  world.time.advance(600)
  expect(world.network.peers).toHaveLength(2)
})

test('C26 signs from outside never make attempts follow each other faster than once in a second', () => {
  const world = createWorld()
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  const times = dials(world)
  for (let step = 0; step < 600; step += 1) {
    world.client.probe()
    world.online.set(step % 2 === 0)
    world.time.advance(50)
  }
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000)
})

test('C26 what the server asked to wait is waited, whatever happens around the page', async () => {
  const world = createWorld({
    admit: () => false,
    probe: async () => ({ outcome: 'busy', retryAfterMs: 20_000 }),
  })
  await world.time.advanceAsync(1_000)
  for (let second = 0; second < 18; second += 1) {
    world.client.probe()
    await world.time.advanceAsync(1_000)
  }
  expect(world.network.peers).toHaveLength(1)
  await world.time.advanceAsync(2_000)
  expect(world.network.peers).toHaveLength(2)
})

test('a captive portal is told as such, tried again with growing waits, and left behind', async () => {
  let portal = true
  const world = createWorld({
    random: () => 0.999,
    admit: () => !portal,
    probe: async () => ({ outcome: 'intercepted' }),
  })
  world.put('a', 1)
  await world.time.advanceAsync(120_000)
  expect(world.sync.status()).toMatchObject({
    state: 'offline',
    heldBy: 'no-network',
    error: { name: 'UnavailableError', code: 'unavailable', fields: { reason: 'captive_portal' } },
  })
  expect(world.network.peers.length).toBeLessThan(12)
  portal = false
  await world.time.advanceAsync(32_000)
  expect(world.sync.status()).toMatchObject({ state: 'live', error: null })
  expect(world.server.model.read('a')).toBe(1)
})

test('a proxy that cuts connections which are idle for 30 s has nothing to cut', () => {
  const world = createWorld()
  world.settle()
  const { received } = world.network.peer()
  let quiet = 0
  for (let second = 0; second < 300; second += 1) {
    const before = received.length
    world.time.advance(1_000)
    quiet = received.length > before ? 0 : quiet + 1
    expect(quiet).toBeLessThan(30)
  }
  expect(world.network.peers).toHaveLength(1)
})

test('a connection that is lost again and again is told as offline while nobody tries', () => {
  const world = createWorld({ random: () => 0.999 })
  world.settle()
  const connecting: number[] = []
  let since: number | undefined
  world.sync.onStatus(({ state }) => {
    if (state === 'connecting') since ??= world.time.now
    else if (since !== undefined) {
      connecting.push(world.time.now - since)
      since = undefined
    }
  })
  for (let round = 0; round < 8; round += 1) {
    world.network.cut()
    world.time.until(() => world.sync.status().state === 'live')
  }
  expect(Math.max(...connecting)).toBeLessThanOrEqual(2_100)
})

test('a deadline that was slept through says nothing about the connection', () => {
  const world = createWorld({ latency: () => 500 })
  world.settle()
  // The heartbeat is under way when the worker is frozen.
  world.time.advance(25_100)
  world.time.sleep(60_000)
  world.time.advance(30_000)
  expect(world.network.peers).toHaveLength(1)
})

test('the status tells the truth through an outage: state, since when, and what is pending', () => {
  const world = createWorld()
  world.settle()
  const told: string[] = []
  world.sync.onStatus(({ state, since }) => {
    if (told.at(-1) !== state) told.push(state)
    expect(since).toBeLessThanOrEqual(world.time.now)
  })
  world.network.unreachable = true
  world.network.cut()
  world.put('a', 1)
  world.time.advance(60_000)
  const { since } = world.sync.status()
  world.time.advance(60_000)
  expect(world.sync.status()).toMatchObject({ state: 'offline', since, heldBy: 'no-network' })
  expect(world.replica.pending().count).toBe(1)
  world.network.unreachable = false
  world.settle()
  expect(told).toEqual(['connecting', 'offline', 'catching-up', 'live'])
})

/** How many attempts a minute of `trouble`, repeated every `everyMs`, makes while nobody answers. */
async function dialsInAMinute(
  world: World,
  everyMs: number,
  trouble: (step: number) => void,
): Promise<number> {
  const times = dials(world)
  for (let step = 0; step * everyMs < 60_000; step += 1) {
    trouble(step)
    await world.time.advanceAsync(everyMs)
  }
  return times.length
}

test('C26 a network that comes and goes five times in a second is tried no more often than by the back-off', async () => {
  const quiet = createWorld()
  quiet.settle()
  quiet.network.unreachable = true
  quiet.network.cut()
  const byBackoff = await dialsInAMinute(quiet, 200, () => undefined)

  const world = createWorld()
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  const flapping = await dialsInAMinute(world, 200, (step) => world.online.set(step % 2 === 1))
  expect(flapping).toBeLessThanOrEqual(byBackoff)
})

test('C26 pages that become visible all the time end the wait ever more rarely', async () => {
  const world = createWorld()
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  await world.time.advanceAsync(60_000)
  expect(await dialsInAMinute(world, 200, () => world.client.probe())).toBeLessThan(14)
})

test('C26 after a quiet minute a sign from outside is heard at once again', async () => {
  const world = createWorld({ random: () => 0.999 })
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  await dialsInAMinute(world, 200, () => world.client.probe())
  await world.time.advanceAsync(100_000)
  world.network.unreachable = false
  world.client.probe()
  liveAgain(world, 1_100)
})

test('reconnect in answer to a refusal keeps to the back-off, for the server and for the token function', async () => {
  let asked = 0
  const world = createWorld({
    latency: () => 5,
    token() {
      asked += 1
      return 't'
    },
    admit: () => false,
    probe: async () => ({ outcome: 'refused', reason: 'bad_token' }),
  })
  world.sync.onStatus(({ state }) => {
    if (state === 'refused') world.client.reconnect()
  })
  const times = dials(world)
  await world.time.advanceAsync(60_000)
  expect(times.length).toBeGreaterThan(5)
  expect(times.length).toBeLessThan(16)
  expect(asked).toBeLessThan(17)
})

test('the first reconnect is made at once, and one that has to wait is made with a token of its own', async () => {
  const tokens: string[] = []
  const world = createWorld({
    token() {
      tokens.push(`t${tokens.length + 1}`)
      return `t${tokens.length}`
    },
    admit: (url) => url.includes('token=t3'),
    probe: async () => ({ outcome: 'refused', reason: 'bad_token' }),
  })
  await world.time.advanceAsync(10)
  expect(world.sync.status().state).toBe('refused')
  world.client.reconnect()
  await world.time.advanceAsync(10)
  expect(tokens).toHaveLength(2)
  world.client.reconnect()
  await world.time.advanceAsync(500)
  expect(tokens).toHaveLength(2)
  await world.time.advanceAsync(2_000)
  expect(world.sync.status().state).toBe('live')
})

test('C26 reconnect does not come before the time that the server has asked for', async () => {
  const world = createWorld({
    admit: () => false,
    probe: async () => ({ outcome: 'busy', retryAfterMs: 20_000 }),
  })
  await world.time.advanceAsync(1_000)
  for (let second = 0; second < 18; second += 1) {
    world.client.reconnect()
    await world.time.advanceAsync(1_000)
  }
  expect(world.network.peers).toHaveLength(1)
  await world.time.advanceAsync(2_000)
  expect(world.network.peers).toHaveLength(2)
})

test('what was refused is offline when the network goes, and is tried when it comes back', async () => {
  const world = createWorld({
    admit: () => false,
    probe: async () => ({ outcome: 'refused', reason: 'bad_token' }),
  })
  await world.time.advanceAsync(3_000)
  expect(world.sync.status()).toMatchObject({ state: 'refused', heldBy: 'needs-auth' })
  world.online.set(false)
  await world.time.advanceAsync(10)
  expect(world.sync.status()).toMatchObject({ state: 'offline', heldBy: 'no-network', error: null })
  world.online.set(true)
  await world.time.advanceAsync(1_100)
  expect(world.sync.status()).toMatchObject({ state: 'refused', heldBy: 'needs-auth' })
})

import { EXTENSIONS } from '@dustlayer/protocol'
import { expect, test } from 'vitest'
import { createWorld, STORE, type WorldOptions } from './testing/world.js'
import type { TokenAnswer } from './token.js'

/** A world whose tokens are good for `lifeMs`, and what the function was asked for, in ms from the beginning. */
function issuing(lifeMs: number | null, options: WorldOptions = {}) {
  const asked: number[] = []
  let answer: (() => TokenAnswer) | undefined
  const world = createWorld({
    ...options,
    token() {
      asked.push(world.time.now - start)
      if (answer) return answer()
      const token = `t${asked.length}`
      return lifeMs === null ? token : { token, expiresAt: world.time.now + lifeMs }
    },
  })
  const start = world.time.now
  return {
    world,
    asked,
    answerWith(next: (() => TokenAnswer) | undefined) {
      answer = next
    },
  }
}

const tokenIn = (url: string): string | undefined => /token=(t\d+)/.exec(url)?.[1]

test('C22 a token is replaced before it expires, over the open connection', async () => {
  const { world, asked } = issuing(600_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(3_500_000)
  expect(asked.map((ms) => Math.round(ms / 1_000))).toEqual([0, 540, 1080, 1620, 2160, 2700, 3240])
  expect(world.server.reauthorizations).toEqual(['t2', 't3', 't4', 't5', 't6', 't7'])
  expect(world.network.peers).toHaveLength(1)
  expect(world.sync.status().state).toBe('live')
})

test('C22 a server without reauth gets the new token with a new connection', async () => {
  const { world, asked } = issuing(600_000)
  await world.time.advanceAsync(1_000_000)
  expect(asked).toHaveLength(2)
  expect(world.network.peers.map(({ url }) => tokenIn(url))).toEqual(['t1', 't2'])
  expect(world.sync.status().state).toBe('live')
})

test('C22 a token that is good for a year is not asked for again', async () => {
  const { world, asked } = issuing(365 * 86_400_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(5 * 3_600_000)
  expect(asked).toHaveLength(1)
})

test('C22 connections are made with the token at hand while it is good', async () => {
  const { world, asked } = issuing(600_000)
  await world.time.advanceAsync(1_000)
  for (let round = 0; round < 5; round += 1) {
    world.network.cut()
    await world.time.advanceAsync(30_000)
  }
  expect(asked).toHaveLength(1)
  expect(world.sync.status().state).toBe('live')
})

test('C22 a token that expired in the sleep is replaced on waking', async () => {
  const { world, asked } = issuing(600_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(1_000)
  world.time.sleep(700_000)
  await world.time.advanceAsync(1_000)
  expect(asked).toHaveLength(2)
  expect(world.server.reauthorizations).toEqual(['t2'])
})

test('C22 a token function that fails is asked again, ever more rarely; the connection stays', async () => {
  const { world, asked, answerWith } = issuing(600_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(1_000)
  answerWith(() => {
    throw new Error('no session')
  })
  await world.time.advanceAsync(3_600_000)
  expect(asked.length).toBeLessThan(14)
  expect(world.sync.status().state).toBe('live')
  expect(world.problems.at(-1)?.message).toContain('no session')
  answerWith(undefined)
  await world.time.advanceAsync(700_000)
  expect(world.server.reauthorizations).toHaveLength(1)
})

test('C22 wrong clocks, where every token seems to have expired already, make no tight loop', async () => {
  const { world, asked } = issuing(-10_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(3_600_000)
  expect(asked.length).toBeLessThan(14)
  expect(world.sync.status().state).toBe('live')
})

test('C22 a token that the server does not take is replaced; the one before counts until then', async () => {
  const { world, asked } = issuing(600_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(1_000)
  world.server.accepts = (token) => token !== 't2'
  await world.time.advanceAsync(700_000)
  expect(world.server.reauthorizations).toEqual(['t2', 't3'])
  expect(asked).toHaveLength(3)
  expect(world.sync.status().state).toBe('live')
})

test('I20 a write that the token may not make waits for the next token, and then goes out in its place', async () => {
  const { world } = issuing(600_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(1_000)
  world.server.permissions = { read: true, write: false }
  world.put('a', 1)
  world.put('b', 2)
  await world.time.advanceAsync(1_000)
  expect(world.sync.status()).toMatchObject({ state: 'live', heldBy: 'needs-auth' })
  world.server.permissions = { read: true, write: true }
  await world.time.advanceAsync(600_000)
  expect(world.server.effects).toEqual(world.issued)
  expect(world.sync.status().heldBy).toBe(null)
})

test('I20 a refused handshake asks for another token, in no tight loop, and the next good one is used', async () => {
  let good = 'none'
  const { world, asked } = issuing(600_000, {
    admit: (url) => tokenIn(url) === good,
    probe: async () => ({ outcome: 'refused', reason: 'bad_token' }),
  })
  await world.time.advanceAsync(300_000)
  expect(asked.length).toBeGreaterThan(3)
  expect(asked.length).toBeLessThan(12)
  good = `t${asked.length + 1}`
  await world.time.advanceAsync(61_000)
  expect(world.sync.status().state).toBe('live')
})

test.each([[''], [null]])(
  'I20 a token function that gives %j: needs-auth, not offline, and writes are kept',
  async (nothing) => {
    const { world, asked, answerWith } = issuing(null)
    answerWith(() => nothing)
    await world.time.advanceAsync(120_000)
    world.put('a', 1)
    expect(world.sync.status()).toMatchObject({
      state: 'refused',
      heldBy: 'needs-auth',
      error: { name: 'AuthorizationError' },
    })
    expect(world.replica.get('a')).toBe(1)
    expect(asked.length).toBeLessThan(8)
    answerWith(undefined)
    world.client.reconnect()
    await world.time.advanceAsync(100)
    expect(world.sync.status()).toMatchObject({ state: 'live', heldBy: null })
    expect(world.server.model.read('a')).toBe(1)
  },
)

test('a store that was refused is joined when another token has been taken', async () => {
  const { world } = issuing(600_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(1_000)
  world.otherServer.refuseJoin = { reason: 'store_not_allowed' }
  const other = world.client.attach('acme/other', world.emptyPort())
  await world.time.advanceAsync(1_000)
  expect(other.status()).toMatchObject({ state: 'refused', heldBy: 'needs-auth' })
  world.otherServer.refuseJoin = null
  await world.time.advanceAsync(600_000)
  expect(other.status().state).toBe('live')
  expect(world.network.peers).toHaveLength(1)
})

test('close ends all that waits for a token', async () => {
  const { world } = issuing(600_000, { extensions: EXTENSIONS })
  await world.time.advanceAsync(1_000)
  world.client.close()
  expect(world.clock.pending).toBe(0)
  expect(() => world.client.attach(STORE, world.replica.sync)).toThrow('closed')
})

/** A token function that answers when told, and how often it was called. */
function onDemand(options: WorldOptions = {}) {
  const open: ((answer: TokenAnswer) => void)[] = []
  const world = createWorld({
    ...options,
    token: () => new Promise<TokenAnswer>((resolve) => open.push(resolve)),
  })
  return { world, open }
}

test('a token function that does not answer is told as such: nobody has asked the server', async () => {
  const { world, open } = onDemand()
  world.put('a', 1)
  await world.time.advanceAsync(14_000)
  expect(world.sync.status()).toMatchObject({ state: 'connecting', error: null })
  await world.time.advanceAsync(2_000)
  expect(world.sync.status()).toMatchObject({ state: 'offline', heldBy: 'needs-auth' })
  expect(world.sync.status().error?.message).toContain('The token function has not answered')
  expect(world.network.peers).toHaveLength(0)
  open[0]?.('t1')
  await world.time.advanceAsync(100)
  expect(open).toHaveLength(1)
  expect(world.sync.status()).toMatchObject({ state: 'live', heldBy: null, error: null })
  expect(world.server.model.read('a')).toBe(1)
})

test('a slow token function is called once, whatever happens around the page, and its late answer counts', async () => {
  const { world, open } = onDemand()
  for (let second = 0; second < 50; second += 1) {
    world.client.probe()
    world.online.set(second % 2 === 1)
    if (second % 10 === 0) world.client.reconnect()
    await world.time.advanceAsync(1_000)
  }
  expect(open).toHaveLength(1)
  open[0]?.('t1')
  await world.time.advanceAsync(2_500)
  for (const answer of open.slice(1)) answer('t1')
  await world.time.advanceAsync(100)
  expect(world.sync.status().state).toBe('live')
})

test('the time that the token took is not counted against the server', async () => {
  const { world, open } = onDemand({ latency: () => 6_000 })
  await world.time.advanceAsync(14_000)
  open[0]?.('t1')
  await world.time.advanceAsync(13_000)
  expect(world.network.peers).toHaveLength(1)
  expect(world.sync.status().state).toBe('catching-up')
})

test('without a network a silent token function is no reason of its own', async () => {
  const { world } = onDemand()
  await world.time.advanceAsync(16_000)
  world.online.set(false)
  await world.time.advanceAsync(10)
  expect(world.sync.status()).toMatchObject({ state: 'offline', heldBy: 'no-network' })
})

test('a renewal that is still open when the connection is lost answers for the next one', async () => {
  const asked: ((answer: TokenAnswer) => void)[] = []
  const world = createWorld({
    extensions: EXTENSIONS,
    token: () =>
      new Promise<TokenAnswer>((resolve) => {
        asked.push(resolve)
        if (asked.length === 1) resolve({ token: 't1', expiresAt: world.time.now + 100_000 })
      }),
  })
  await world.time.advanceAsync(80_000)
  expect(asked).toHaveLength(2)
  world.network.cut()
  await world.time.advanceAsync(5_000)
  expect(asked).toHaveLength(2)
  asked[1]?.('t2')
  await world.time.advanceAsync(1_000)
  expect(world.sync.status().state).toBe('live')
  expect(world.network.peer().url).toContain('token=t2')
})

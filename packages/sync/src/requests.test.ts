import { expect, test } from 'vitest'
import { createWorld } from './testing/world.js'

const LEASE = {
  op: 'lease',
  path: 'lock',
  path_segments: ['lock'],
  ttl_ms: 1_000,
  holder: 'me',
  client_op_id: 'lease_1',
}

test('a request is answered with the response', async () => {
  const world = createWorld()
  world.settle()
  const answer = world.sync.request('write', LEASE)
  world.time.advance(10)
  expect(await answer).toMatchObject({ store_seq: 1 })
})

test('a refusal is an error of its class', async () => {
  const world = createWorld()
  world.server.foreign({ op: 'set', path: 'lock', value: 1, opId: 'x1' })
  world.settle()
  const answer = world.sync.request('write', LEASE)
  world.time.advance(10)
  await expect(answer).rejects.toMatchObject({ name: 'LeaseError', code: 'occupied' })
  world.server.limitedUntil = world.time.now + 5_000
  const limited = world.sync.request('write', LEASE)
  world.time.advance(10)
  await expect(limited).rejects.toMatchObject({ name: 'RateLimitedError', retryAfterMs: expect.any(Number) })
})

test('a request behind a write that was turned away is told to come later', async () => {
  const world = createWorld({ extensions: ['ordered_writes'] })
  world.settle()
  world.server.limitedUntil = world.time.now + 5_000
  world.put('a', 1)
  world.time.advance(10)
  const answer = world.sync.request('write', LEASE)
  world.time.advance(10)
  await expect(answer).rejects.toMatchObject({ name: 'RateLimitedError', code: 'rate_limited' })
})

test('a request that was turned away does not stay in the way of the outbox', async () => {
  const world = createWorld({ extensions: ['ordered_writes'] })
  world.settle()
  world.server.limitedUntil = world.time.now + 100
  const answer = world.sync.request('write', LEASE)
  answer.catch(() => {})
  world.time.advance(200)
  world.put('a', 1)
  world.settle()
  expect(world.server.effects).toEqual(['op_1'])
})

test('F23 without a connection a request is refused at once', async () => {
  const world = createWorld()
  await expect(world.sync.request('write', LEASE)).rejects.toMatchObject({ code: 'unavailable' })
  world.settle()
  world.network.unreachable = true
  world.network.cut()
  world.time.advance(1)
  await expect(world.sync.request('write', LEASE)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a request is not repeated: a lost connection, silence or the signal ends it', async () => {
  const world = createWorld()
  world.settle()
  const lost = world.sync.request('write', LEASE)
  world.network.cut()
  world.time.advance(1)
  await expect(lost).rejects.toMatchObject({ code: 'unavailable' })

  world.settle()
  world.network.silence()
  const silent = world.sync.request('write', LEASE, { timeoutMs: 500 })
  const controller = new AbortController()
  const aborted = world.sync.request('write', LEASE, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  world.time.advance(500)
  await expect(silent).rejects.toThrow('unknown')
  expect(world.server.effects).toEqual([])
})

test('what cannot be sent is refused at once', async () => {
  const world = createWorld()
  world.settle()
  await expect(
    world.sync.request('write', { ...LEASE, holder: 'x'.repeat(9_000_000) }),
  ).rejects.toMatchObject({
    code: 'bad_frame',
  })
})

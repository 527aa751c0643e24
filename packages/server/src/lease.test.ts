import type { FramePayload, JsonValue } from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeClock, type FakeClock } from './testing/fake-clock.js'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

const T = 'store:acme/t'

describe('leases', () => {
  let clock: FakeClock
  let world: TestServer
  let client: TestClient
  let ops = 0
  beforeEach(async () => {
    clock = createFakeClock()
    world = await startTestServer({ clock, idleTimeoutMs: 1e9 })
    client = await world.connect()
    await client.join(T)
  })
  afterEach(() => world.close())

  const write = async (payload: FramePayload) => {
    const { response } = await client.write(T, { client_op_id: `op-${++ops}`, ...payload })
    return response
  }
  const lease = (fields: FramePayload = {}) => write({ op: 'lease', path: 'l', ttl_ms: 30_000, ...fields })

  it('F11 F12 grants a lease, once', async () => {
    const granted = await lease({ ttl_ms: 60_000, holder: 'n' })
    const expiresAt = clock.now() + 60_000
    expect(granted).toEqual({ store_seq: 1, token: 1, expires_at: expiresAt, holder: 'n' })
    expect(client.events().at(-1)).toMatchObject({
      op: 'lease',
      value: { _type: 'lease', holder: 'n', token: 1, expires_at: expiresAt },
    })
    expect(await lease({ holder: 'n' })).toEqual({ reason: 'held' })
  })

  it('F13 F14 an expired lease can be taken, not renewed', async () => {
    await lease()
    clock.advance(30_000)
    expect(await write({ op: 'renew', path: 'l', token: 1 })).toEqual({ reason: 'not_held' })
    expect(await lease()).toMatchObject({ store_seq: 2, token: 2 })
  })

  it('F15 renewing keeps the token and moves the end', async () => {
    await lease()
    clock.advance(20_000)
    expect(await write({ op: 'renew', path: 'l', token: 1, ttl_ms: 30_000 })).toMatchObject({ token: 1 })
    expect(client.events().at(-1)).toMatchObject({ op: 'renew', value: { expires_at: clock.now() + 30_000 } })
    clock.advance(29_000)
    expect(await lease()).toEqual({ reason: 'held' })
  })

  it('F16 F17 releases with the right token, once', async () => {
    await lease()
    const events = client.events().length
    expect(await write({ op: 'release', path: 'l', token: 9 })).toEqual({ released: false })
    expect(client.events().length).toBe(events)
    expect(await write({ op: 'release', path: 'l', token: 1 })).toEqual({ store_seq: 2 })
    expect(await write({ op: 'release', path: 'l', token: 1 })).toEqual({ released: false })
  })

  it('F18 a jump of the wall clock does not end a lease', async () => {
    await lease()
    clock.jump(3_600_000)
    expect(await lease()).toEqual({ reason: 'held' })
    clock.advance(30_000)
    expect(await lease()).toMatchObject({ store_seq: 2 })
  })

  it('F19 after a restart the wall clock decides', async () => {
    await lease()
    await world.restart()
    client = await world.connect()
    await client.join(T)
    clock.advance(29_999)
    expect(await lease()).toEqual({ reason: 'held' })
    await world.restart()
    client = await world.connect()
    await client.join(T)
    clock.jump(1)
    expect(await lease()).toMatchObject({ token: 2 })
  })

  it('F20 F21 a fence holds for the live lease with its token, and malformed ones do not get past it', async () => {
    await lease()
    const fenced = (token: JsonValue) => write({ op: 'set', path: 'k', value: 1, fence: { key: 'l', token } })
    expect(await fenced(1)).toEqual({ store_seq: 2 })
    expect(await fenced(2)).toEqual({ reason: 'fenced' })
    expect(await fenced('1')).toEqual({ reason: 'fenced' })
    clock.advance(30_000)
    expect(await fenced(1)).toEqual({ reason: 'fenced' })
  })

  it('F22 deleting above a lease ends it', async () => {
    await write({ op: 'lease', path: 'a/l', ttl_ms: 30_000 })
    await write({ op: 'delete', path: 'a' })
    expect(await write({ op: 'renew', path: 'a/l', token: 1 })).toEqual({ reason: 'not_held' })
  })

  it('a lease written by a plain set does not inherit the end of one that was there', async () => {
    await lease({ ttl_ms: 1_000 })
    await write({
      op: 'set',
      path: 'l',
      value: { _type: 'lease', token: 7, expires_at: clock.now() + 60_000 },
    })
    clock.advance(2_000)
    expect(await lease()).toEqual({ reason: 'held' })
    await write({ op: 'set', path: 'l', value: { _type: 'lease', token: 7 } })
    clock.advance(1e9)
    expect(await lease(), 'one without an end never ends').toEqual({ reason: 'held' })
  })
})

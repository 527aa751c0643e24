import type { FramePayload, JsonValue } from '@dustlayer/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

describe.each(['json', 'msgpack'] as const)('writes in %s', (format) => {
  let world: TestServer
  let client: TestClient
  let topic: string
  let stores = 0
  let ops = 0
  beforeAll(async () => {
    world = await startTestServer()
    client = await world.connect({ format })
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    const name = `acme/w${++stores}`
    world.server.createStore(name)
    topic = `store:${name}`
    await client.join(topic)
  })

  const write = (payload: FramePayload, peer = client) =>
    peer.write(topic, { client_op_id: `op-${++ops}`, ...payload })
  const value = (path: string): JsonValue | undefined => {
    const record = world.server.hub.find(topic.slice('store:'.length))
    return record && world.server.hub.open(record).storage.entries.get(path)?.value
  }
  const lastEvent = () => client.events(topic).at(-1)

  it('E04 E05 sends the event to the writer before its reply, and the same event to other members', async () => {
    const other = await world.connect()
    await other.join(topic)
    const before = client.frames.length
    await write({ op: 'set', path: 'a/b', path_segments: ['a', 'b'], value: { x: 1 }, client_op_id: 'o1' })
    const event = {
      store_seq: 1,
      op: 'set',
      path: 'a/b',
      path_segments: ['a', 'b'],
      value: { x: 1 },
      device_id: 'd',
      client_op_id: 'o1',
    }
    const frames = client.frames.slice(before).filter((frame) => frame[3] !== 'catch_up_complete')
    expect(frames[0]).toEqual([null, null, topic, 'event', event])
    expect(frames[1]).toMatchObject([
      expect.any(String),
      expect.any(String),
      topic,
      'phx_reply',
      { status: 'ok', response: { store_seq: 1 } },
    ])
    expect(await other.waitFor((frame) => frame[3] === 'event')).toEqual([null, null, topic, 'event', event])
  })

  it('E06 E07 E08 E09 E10 events carry materialised values', async () => {
    await write({ op: 'increment', path: 'n', value: 11 })
    expect(await write({ op: 'increment', path: 'n', value: 1 })).toEqual({
      status: 'ok',
      response: { store_seq: 2 },
    })
    expect(lastEvent()?.value).toBe(12)
    await write({ op: 'add', path: 'tags', value: 'a' })
    await write({ op: 'add', path: 'tags', value: 'b' })
    expect(lastEvent()?.value).toEqual(['b', 'a'])
    await write({ op: 'add', path: 'tags', value: 'a' })
    expect(lastEvent()?.value).toEqual(['a', 'b'])
    await write({ op: 'remove', path: 'missing', value: 'x' })
    expect(lastEvent()?.value).toEqual([])
    expect(value('missing')).toEqual([])
    await write({ op: 'set', path: 'n', value: {} })
    expect([lastEvent()?.value, value('n')]).toEqual([{}, undefined])
  })

  it('E11 E12 prefixes are exact, and a leaf with leaves below it is replaced whole', async () => {
    await write({ op: 'set', path: 'Users/x', value: 1 })
    await write({ op: 'set', path: 'users/y', value: 1 })
    await write({ op: 'delete', path: 'users' })
    expect([value('Users/x'), value('users/y')]).toEqual([1, undefined])
    await write({ op: 'set', path: 'a/b', value: 1 })
    await write({ op: 'set', path: 'a/b/c', value: 2 })
    expect((await write({ op: 'set', path: 'a', value: 1 })).status).toBe('ok')
    expect([value('a'), value('a/b'), value('a/b/c')]).toEqual([1, undefined, undefined])
  })

  it.each([
    ['E14', { op: 'set', path: 'x', value: { '': 1 } }, 'empty_segment'],
    ['E15', { op: 'increment', path: 'text', value: 1 }, 'increment_requires_number_target'],
    ['E16', { op: 'set', path: 'x', value: 1, client_op_id: null }, 'missing_client_op_id'],
    ['E17', { op: 'nope', path: 'x' }, 'invalid op'],
    ['E17', { op: 5, path: 'x' }, 'invalid op'],
    ['E18', { op: 'put_file', path: 'x', value: { _type: 'file' } }, 'invalid op'],
    ['E23', { op: 'set', path: 'x', value: { _typed: 'abc', _type: 'decimal' } }, expect.any(String)],
    ['F04', { op: 'merge', path: 'x', value: {}, if_match: 1 }, 'if_match_unsupported_op'],
    ['F05', { op: 'set', path: 'x', value: {}, if_match: 1 }, 'if_match_multi_leaf'],
    ['F06', { op: 'set', path: 'x', value: 1, if_match: 1, if_absent: true }, 'invalid_precondition'],
    ['F07', { op: 'set', path: 'x', value: {}, if_match: 1, if_absent: true }, 'if_match_multi_leaf'],
    ['F03', { op: 'set', path: 'x', value: 1, if_match: 1 }, 'conflict'],
    ['null payload fields', { op: 'set', path: null, value: 1 }, 'missing_path'],
    ['odd payload fields', { op: 'set', path: { a: 1 }, value: 1 }, 'missing_path'],
    ['odd lease ttl', { op: 'lease', path: 'x', ttl_ms: 'soon' }, 'invalid_ttl'],
  ] as [string, FramePayload, unknown][])(
    '%s refuses %j with a stable reason and no seq',
    async (_, payload, reason) => {
      await write({ op: 'set', path: 'text', value: 'x' })
      expect(await write(payload)).toMatchObject({ status: 'error', response: { reason } })
      expect(await write({ op: 'set', path: 'after', value: 1 })).toEqual({
        status: 'ok',
        response: { store_seq: 2 },
      })
    },
  )

  it('E19 E20 path_segments counts when it is a list, else path', async () => {
    await write({ op: 'set', path_segments: ['a/b'], path: 'zzz', value: 1 })
    await write({ op: 'set', path_segments: 'a', path: 'ok', value: 2 })
    expect([value('a~1b'), value('zzz'), value('ok')]).toEqual([1, undefined, 2])
    expect(client.events(topic)[0]).toMatchObject({ path: 'a~1b', path_segments: ['a/b'] })
  })

  it('E21 integers beyond 2^53 stay exact, live and in catch-up; those beyond 64 bits are refused', async () => {
    const big = 9_007_199_254_740_993n
    await write({ op: 'set', path: 'big', value: [big, -big, 2n ** 64n - 1n] })
    expect(lastEvent()?.value).toEqual([big, -big, 2n ** 64n - 1n])
    const late = await world.connect({ format: format === 'json' ? 'msgpack' : 'json' })
    await late.join(topic)
    await late.caughtUp(topic)
    expect(late.events()[0]?.value).toEqual([big, -big, 2n ** 64n - 1n])
    const json = await world.connect()
    await json.join(topic)
    expect((await write({ op: 'set', path: 'huge', value: 2n ** 64n }, json)).status).toBe('error')
  })

  it('E22 a decimal envelope is the same live and in catch-up', async () => {
    const envelope = { _typed: '29.990', _type: 'decimal' }
    await write({ op: 'set', path: 'price', value: envelope })
    expect(lastEvent()?.value).toEqual(envelope)
    const late = await world.connect({ format })
    await late.join(topic)
    await late.caughtUp(topic)
    expect(late.events()[0]?.value).toEqual(envelope)
  })

  it('E24 E25 merging null stores null; deleting what is missing takes a seq', async () => {
    await write({ op: 'merge', path: 'm', value: { k: null } })
    expect(value('m/k')).toBeNull()
    expect(await write({ op: 'delete', path: 'none' })).toEqual({ status: 'ok', response: { store_seq: 2 } })
    expect(lastEvent()).toMatchObject({ op: 'delete', value: null })
  })

  it('E31 a token without entries:write is told so before anything else', async () => {
    const reader = await world.connect({ format, token: world.token(['entries:read']) })
    await reader.join(topic)
    expect(await write({ op: 'nope' }, reader)).toEqual({
      status: 'error',
      response: {
        reason: 'missing_scope',
        scope: 'entries:write',
        message: 'Token is missing entries:write scope',
      },
    })
  })

  it('F01 F02 if_match holds for the revision that the entry has, and a conflict tells it', async () => {
    await write({ op: 'set', path: 'k', value: 1 })
    expect((await write({ op: 'set', path: 'k', value: 2, if_match: 1 })).status).toBe('ok')
    expect((await write({ op: 'set', path: 'k', value: 3, if_match: 1 })).response).toEqual({
      reason: 'conflict',
      current_revision: 2,
    })
  })

  it('F08 F09 if_absent looks at the exact path only, and null is a value', async () => {
    await write({ op: 'set', path: 's/a', value: 1 })
    expect((await write({ op: 'set', path: 's', value: 5, if_absent: true })).status).toBe('ok')
    expect([value('s'), value('s/a')]).toEqual([5, undefined])
    await write({ op: 'set', path: 'k', value: null })
    expect((await write({ op: 'set', path: 'k', value: 1, if_absent: true })).response.reason).toBe('exists')
  })

  it('keys that name parts of every object are keys like any other', async () => {
    const odd = JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}') as FramePayload
    await write({ op: 'set', path: 'odd', value: odd })
    await write({ op: 'set', path: '__proto__', value: 4 })
    expect([value('odd/__proto__/x'), value('odd/constructor'), value('__proto__')]).toEqual([1, 2, 4])
    expect(world.server.compact(topic.slice('store:'.length))).toMatchObject({ seq: 2 })
    const late = await world.connect({ format })
    await late.join(topic)
    const [, , , , { entries }] = await late.waitFor((frame) => frame[3] === 'snapshot')
    expect(Object.keys(entries as FramePayload)).toEqual([
      '__proto__',
      'odd/__proto__/x',
      'odd/constructor',
      'odd/toString',
    ])
  })
})

describe('limits', () => {
  it('E30 a full store takes no new leaves, on any way in, and still takes changes', async () => {
    const world = await startTestServer({ maxKeys: 3 })
    try {
      const client = await world.connect()
      const T = 'store:acme/t'
      await client.join(T)
      let ops = 0
      const write = (payload: FramePayload) => client.write(T, { client_op_id: `o${++ops}`, ...payload })
      await write({ op: 'set', path: 'a', value: { x: 1, y: 2, z: 3 } })
      const full = { reason: 'limit_exceeded', dimension: 'keys', current: 3, limit: 3 }
      expect((await write({ op: 'set', path: 'b', value: 1 })).response).toEqual(full)
      expect((await write({ op: 'increment', path: 'n', value: 1 })).response).toEqual(full)
      const file = { path: 'f', content: 'aGk=', client_op_id: 'f' }
      expect((await client.push(T, 'put_file', file)).response).toEqual(full)
      expect((await write({ op: 'set', path: 'a/x', value: 9 })).status).toBe('ok')
      await write({ op: 'delete', path: 'a/y' })
      expect((await write({ op: 'set', path: 'b', value: 1 })).status).toBe('ok')
    } finally {
      await world.close()
    }
  })

  it('E32 E33 writes beyond the rate are refused, everything else goes on', async () => {
    const world = await startTestServer({ maxWritesPerMinute: 100 })
    try {
      const client = await world.connect()
      const T = 'store:acme/t'
      await client.join(T)
      const writes = Array.from({ length: 101 }, (_, i) =>
        client.write(T, { op: 'increment', path: 'n', value: 1, client_op_id: `o${i}` }),
      )
      const last = (await Promise.all(writes)).at(-1)
      expect(last).toMatchObject({ status: 'error', response: { reason: 'rate_limited' } })
      const wait = Number(last?.response.retry_after_ms)
      expect(Number.isInteger(wait) && wait > 0 && wait <= 60_000).toBe(true)
      expect((await client.push(T, 'status', {})).response.current_seq).toBe(100)
      expect((await client.push(T, 'rollback', { path: 'n', to_seq: 1 })).status).toBe('ok')
      expect((await client.join(T, 101)).status).toBe('ok')
    } finally {
      await world.close()
    }
  })
})

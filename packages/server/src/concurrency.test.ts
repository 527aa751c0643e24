import type { FramePayload } from '@dustlayer/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

describe.each(['json', 'msgpack'] as const)('many writers in %s', (format) => {
  let world: TestServer
  beforeAll(async () => {
    world = await startTestServer()
  })
  afterAll(() => world.close())

  const joined = async (store: string, count: number): Promise<TestClient[]> => {
    world.server.createStore(store)
    const clients = await Promise.all(
      Array.from({ length: count }, (_, i) => world.connect({ format, deviceId: `device-${i}` })),
    )
    for (const client of clients) await client.join(`store:${store}`)
    return clients
  }
  const value = (store: string, path: string) => {
    const record = world.server.hub.find(store)
    return record && world.server.hub.open(record).storage.entries.get(path)?.value
  }

  it('E26 10 writers of 100 increments make 1000, and all see every seq once and in order', async () => {
    const topic = 'store:acme/e26'
    const clients = await joined('acme/e26', 10)
    const replies = await Promise.all(
      clients.flatMap((client, c) =>
        Array.from({ length: 100 }, (_, i) =>
          client.write(topic, { op: 'increment', path: 'n', value: 1, client_op_id: `${c}-${i}` }),
        ),
      ),
    )
    const expected = Array.from({ length: 1000 }, (_, i) => i + 1)
    expect(replies.map(({ response }) => response.store_seq as number).sort((a, b) => a - b)).toEqual(
      expected,
    )
    expect(value('acme/e26', 'n')).toBe(1000)
    for (const client of clients) {
      await client.waitFor((frame) => frame[4].store_seq === 1000 && frame[3] === 'event', 'the last event')
      expect(client.events(topic).map((event) => event.store_seq)).toEqual(expected)
      expectOwnEventsBeforeReplies(client)
    }
  })

  it('members that join while others write get every op once and in order', async () => {
    const topic = 'store:acme/joining'
    const [writer] = await joined('acme/joining', 1)
    const total = 2_000
    const late: TestClient[] = []
    for (let i = 1; i <= total; i++) {
      writer?.send([
        '1',
        `w${i}`,
        topic,
        'write',
        { op: 'set', path: `k/${i % 50}`, value: i, client_op_id: `o${i}` },
      ])
      if (i % 400 !== 0) continue
      const client = await world.connect({ format })
      late.push(client)
      // Not awaited: the stream goes on while it catches up.
      void client.join(topic)
    }
    for (const client of late) {
      await client.waitFor((frame) => frame[3] === 'event' && frame[4].store_seq === total, 'the last event')
      expect(client.events().map((event) => event.store_seq)).toEqual(
        Array.from({ length: total }, (_, i) => i + 1),
      )
      expect(client.frames.filter((frame) => frame[3] === 'catch_up_complete').length).toBe(1)
    }
  })

  it('E27 an identical resend takes effect once and gets the first reply, accepted or rejected', async () => {
    const [client] = await joined('acme/e27', 1)
    const topic = 'store:acme/e27'
    const send = (payload: FramePayload) => client?.write(topic, payload)
    const increment = { op: 'increment', path: 'n', value: 1, client_op_id: 'same' }
    const lease = { op: 'lease', path: 'l', ttl_ms: 60_000, client_op_id: 'lease' }
    const rejected = { op: 'set', path: 'n', value: 1, if_match: 99, client_op_id: 'cas' }
    const release = { op: 'release', path: 'none', token: 1, client_op_id: 'release' }
    const file = { path: 'f', content: 'aGk=', client_op_id: 'file' }
    const first = await Promise.all([increment, increment, increment].map(send))
    expect(first.map((reply) => reply?.response)).toEqual([
      { store_seq: 1 },
      { store_seq: 1 },
      { store_seq: 1 },
    ])
    const replies = [
      await send(lease),
      await send(rejected),
      await send(release),
      await client?.push(topic, 'put_file', file),
    ]
    expect(value('acme/e27', 'n')).toBe(1)

    // Neither compaction nor a restart makes the store forget.
    world.server.compact('acme/e27')
    await world.restart()
    const again = await world.connect({ format, deviceId: 'device-0' })
    await again.join(topic)
    expect((await again.write(topic, increment)).response).toEqual({ store_seq: 1 })
    expect([
      await again.write(topic, lease),
      await again.write(topic, rejected),
      await again.write(topic, release),
      await again.push(topic, 'put_file', file),
    ]).toEqual(replies)
    expect(value('acme/e27', 'n')).toBe(1)
    expect(again.events()).toEqual([])
    expect(
      (await again.write(topic, { ...increment, value: 2 })).response,
      'another op under the same id',
    ).toEqual({
      store_seq: 4,
    })
  })

  it('E28 the same op id from another device is another op', async () => {
    const [a, b] = await joined('acme/e28', 2)
    const op = { op: 'increment', path: 'n', value: 1, client_op_id: 'same' }
    await a?.write('store:acme/e28', op)
    await b?.write('store:acme/e28', op)
    expect(value('acme/e28', 'n')).toBe(2)
  })

  it('F10 of two concurrent if_absent writes exactly one is accepted', async () => {
    const clients = await joined('acme/f10', 2)
    const replies = await Promise.all(
      clients.map((client) =>
        client.write('store:acme/f10', {
          op: 'set',
          path: 'k',
          value: 1,
          if_absent: true,
          client_op_id: 'x',
        }),
      ),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual(['error', 'ok'])
  })
})

function expectOwnEventsBeforeReplies({ frames }: TestClient): void {
  let cursor = 0
  for (const [, , , event, payload] of frames) {
    if (event === 'event') cursor = Number(payload.store_seq)
    if (event !== 'phx_reply') continue
    const { response } = payload as { response: FramePayload }
    if ('capver' in response) continue
    expect(cursor).toBeGreaterThanOrEqual(Number(response.store_seq))
  }
}

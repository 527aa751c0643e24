import { EXTENSIONS, type FramePayload, type JsonValue } from '@dustlayer/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

const JOIN_REPLY = ['capver', 'capver_min', 'permissions', 'scopes', 'store_access', 'store_seq']
const ALL = { extensions: [...EXTENSIONS], incarnation: null }

describe('extensions of a join', () => {
  let world: TestServer
  const open: TestClient[] = []
  beforeAll(async () => {
    world = await startTestServer()
  })
  afterEach(() => {
    for (const client of open.splice(0)) client.close()
  })
  afterAll(() => world.close())

  let stores = 0
  /** A new store with so many leaves `k0`, `k1` …; its topic. */
  const fill = async (count: number) => {
    const name = `acme/x${++stores}`
    world.server.createStore(name)
    const writer = await connect()
    await writer.join(`store:${name}`)
    for (let i = 0; i < count; i++) {
      await writer.write(`store:${name}`, { op: 'set', path: `k${i}`, value: i, client_op_id: `o${i}` })
    }
    return { name, topic: `store:${name}`, writer }
  }
  const connect = async (format: 'json' | 'msgpack' = 'json') => {
    const client = await world.connect({ format })
    open.push(client)
    return client
  }
  const incarnationOf = async (topic: string) => {
    const { response } = await (await connect()).join(topic, 0, ALL)
    return String(response.incarnation)
  }

  it.each(['json', 'msgpack'] as const)(
    'M06 a peer that asks for nothing gets the common frames (%s)',
    async (format) => {
      const { name, topic } = await fill(3)
      world.server.compact(name)
      const client = await connect(format)
      // It may well have fields that mean something to others.
      const { response } = await client.join(topic, 0, {
        incarnation: 'x',
        snapshot: { seq: 3, after: 'k0' },
      })
      expect(Object.keys(response).sort()).toEqual(JOIN_REPLY)
      await client.caughtUp(topic)
      expect(client.frames.map(([, , , event]) => event)).toEqual([
        'phx_reply',
        'snapshot',
        'catch_up_complete',
      ])
      for (const event of ['batch', 'digest', 'ordered_writes', 'snapshot_chunks']) {
        expect(await client.push(topic, event, { client_op_id: 'b', ops: [] })).toEqual({
          status: 'error',
          response: { reason: 'unknown event', event },
        })
      }
      const ahead = await connect(format)
      expect(Object.keys((await ahead.join(topic, 99)).response).sort()).toEqual(JOIN_REPLY)
      await ahead.waitFor(([, , , event]) => event === 'catch_up_complete')
      expect(ahead.frames).toHaveLength(2)
    },
  )

  it('a peer gets what both know, and the incarnation of the store', async () => {
    const { topic } = await fill(0)
    const some = await (await connect()).join(topic, 0, {
      extensions: ['event_batches', 'telepathy', 'batch', 'batch'],
      incarnation: null,
    })
    expect(some.response).toMatchObject({
      extensions: ['batch', 'event_batches'],
      incarnation: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    expect(some.response).not.toHaveProperty('reset')
    const none = await (await connect()).join(topic, 0, { extensions: [] })
    expect(none.response).toMatchObject({ extensions: [], incarnation: some.response.incarnation })
    const other = await fill(0)
    expect(await incarnationOf(other.topic)).not.toBe(some.response.incarnation)
  })

  it.each<[string, { [name: string]: JsonValue }]>([
    ['incarnation', { incarnation: 5 }],
    ['snapshot', { snapshot: 'k1' }],
    ['snapshot', { snapshot: { seq: -1, after: 'k1' } }],
    ['snapshot', { snapshot: { seq: 1, after: null } }],
  ])('a malformed %s is refused: %j', async (_, odd) => {
    const { topic } = await fill(0)
    const reply = await (await connect()).join(topic, 0, { ...ALL, ...odd })
    expect(reply).toMatchObject({ status: 'error', response: { reason: 'join crashed' } })
  })

  it('a peer that asked is told that a store is archived, if it could have read it', async () => {
    const { name, topic } = await fill(1)
    world.server.archiveStore(name)
    const reasonFor = async (client: TestClient, payload?: FramePayload) =>
      (await client.join(topic, 0, payload)).response.reason
    expect(await reasonFor(await connect(), ALL)).toBe('store_archived')
    expect(await reasonFor(await connect())).toBe('unauthorized')
    const writer = await world.connect({ token: world.token(['entries:write']) })
    open.push(writer)
    expect(await reasonFor(writer, ALL)).toBe('unauthorized')
  })

  it('a peer that does not know incarnations is not made to start over', async () => {
    const { topic } = await fill(5)
    const client = await connect()
    const asked = { extensions: ['batch'], incarnation: 'another' }
    const { response } = await client.join(topic, 9, asked)
    expect(response).not.toHaveProperty('reset')
    await client.caughtUp(topic)
    expect(client.frames.at(-1)?.[4]).toEqual({ through_seq: 9 })
    expect(eventsOf(client)).toEqual([])
  })

  it('a peer of another incarnation, or ahead of the store, starts over', async () => {
    const { topic } = await fill(5)
    const incarnation = await incarnationOf(topic)
    const cases: [FramePayload, JsonValue, boolean][] = [
      [{ incarnation }, 3, false],
      [{ incarnation }, 5, false],
      [{ incarnation }, 6, true],
      [{ incarnation: null }, 3, false],
      [{ incarnation: null }, 6, true],
      [{ incarnation: 'another' }, 3, true],
      [{ incarnation: 'another' }, 0, true],
      [{ incarnation }, null, false],
    ]
    for (const [asked, lastStoreSeq, reset] of cases) {
      const client = await connect()
      const { response } = await client.join(topic, lastStoreSeq, { ...ALL, ...asked })
      const what = JSON.stringify([asked, lastStoreSeq])
      expect(response.reset, what).toBe(reset ? true : undefined)
      await client.caughtUp(topic)
      const seqs = eventsOf(client).map(({ store_seq: seq }) => seq)
      const from = reset ? 0 : (lastStoreSeq ?? 5)
      expect(seqs, what).toEqual([1, 2, 3, 4, 5].filter((seq) => seq > Number(from)))
    }
  })

  it('a renewed store is another one to its peers, with the same contents', async () => {
    const { name, topic } = await fill(2)
    const incarnation = await incarnationOf(topic)
    const record = world.server.hub.find(name)
    if (!record) throw new Error('no such store')
    const { identity } = world.server.hub.open(record).storage
    expect(identity.renew()).not.toBe(incarnation)
    const { response } = await (await connect()).join(topic, 2, { ...ALL, incarnation })
    expect(response).toMatchObject({ reset: true, incarnation: identity.incarnation(), store_seq: 2 })
  })

  it.each(['json', 'msgpack'] as const)(
    'a digest says what the store holds, after the events (%s)',
    async (format) => {
      const { topic, writer } = await fill(3)
      const reader = await connect(format)
      await reader.join(topic, 0, ALL)
      await reader.caughtUp(topic)
      const asked = reader.push(topic, 'digest', {})
      const first = await asked
      expect(first).toEqual({
        status: 'ok',
        response: { seq: 3, digest: expect.stringMatching(/^[0-9a-f]{16}$/) },
      })
      await writer.write(topic, { op: 'set', path: 'k0', value: 'other', client_op_id: 'x' })
      const second = await reader.push(topic, 'digest', {})
      expect(second.response.seq).toBe(4)
      expect(second.response.digest).not.toBe(first.response.digest)
      const events = eventsOf(reader).map(({ store_seq: seq }) => seq)
      expect(events.at(-1), 'the event came before the reply').toBe(4)
    },
  )

  it('a digest is of the moment that its reader has got to, also when writes are committed along with it', async () => {
    const { topic, writer } = await fill(0)
    await writer.join(topic, 0, ALL)
    const write = { op: 'set', path: 'a', value: 1, client_op_id: 'w1' }
    const [told] = await Promise.all([writer.push(topic, 'digest', {}), writer.write(topic, write)])
    const at = writer.frames.findIndex(([, , , , payload]) => payload.response === told.response)
    const seen = eventsOf({ ...writer, frames: writer.frames.slice(0, at) })
    expect(told.response.seq).toBe(seen.at(-1)?.store_seq ?? 0)
  })
})

/** Of events alone and in batches. */
function eventsOf({ frames }: TestClient): FramePayload[] {
  return frames.flatMap(([, , , event, payload]) => {
    if (event === 'event') return [payload]
    // An `events` frame has a list of payloads.
    return event === 'events' ? (payload.events as FramePayload[]) : []
  })
}

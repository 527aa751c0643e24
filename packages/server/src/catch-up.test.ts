import type { Frame, FramePayload, JsonValue } from '@dustlayer/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFakeClock } from './testing/fake-clock.js'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'
import { readVectors, sameTag } from './testing/vectors.js'

interface History {
  readonly id: string
  readonly note: string
  readonly history: readonly FramePayload[]
  readonly compact_after_seq?: number
  readonly joins: readonly { readonly last_store_seq: number; readonly frames: readonly ExpectedFrame[] }[]
}
interface ExpectedFrame {
  readonly event: string
  readonly payload: FramePayload
}

const T = 'store:acme/t'
const histories = readVectors<readonly History[]>('dust-catchup.json')

describe.each(['json', 'msgpack'] as const)('C07 dust-catchup in %s', (format) => {
  let world: TestServer
  beforeAll(async () => {
    // The clock that the leases of these vectors were granted on.
    world = await startTestServer({ clock: createFakeClock(), idleTimeoutMs: 1e9 })
  })
  afterAll(() => world.close())

  it.each(histories)('$id: $note', async ({ id, history, joins, compact_after_seq: compactAfter }) => {
    const store = `acme/${id}`
    world.server.createStore(store)
    const writer = await world.connect({ format })
    await writer.join(`store:${store}`)
    for (const payload of history) {
      const { response } = await writer.write(`store:${store}`, payload)
      if (response.store_seq === compactAfter && compactAfter !== undefined) world.server.compact(store)
    }
    for (const { last_store_seq: lastStoreSeq, frames } of joins) {
      const reader = await world.connect({ format })
      await reader.join(`store:${store}`, lastStoreSeq)
      await reader.caughtUp(`store:${store}`)
      expectFrames(reader.frames.slice(1), frames)
    }
  })
})

function expectFrames(actual: readonly Frame[], expected: readonly ExpectedFrame[]): void {
  expect(actual.map((frame) => frame.slice(0, 2))).toEqual(expected.map(() => ['1', null]))
  const found = actual.map(([, , , event, payload]) => ({ event, payload: comparable(event, payload) }))
  expect(found).toEqual(expected.map(({ event, payload }) => ({ event, payload: tagged(event, payload) })))
}

/** Without what the vectors leave out: the device, and the revisions that we add to snapshots. */
function comparable(event: string, payload: FramePayload): FramePayload {
  if (event === 'event') {
    const { device_id: _, ...rest } = payload
    return rest
  }
  if (event !== 'snapshot') return payload
  return mapEntries(payload, ({ seq, ...entry }) => {
    expect(seq).toEqual(expect.any(Number))
    return entry
  })
}

function tagged(event: string, payload: FramePayload): FramePayload {
  if (event !== 'snapshot') return payload
  return mapEntries(payload, ({ value, type }) => ({
    value: value ?? null,
    type: { asymmetricMatch: (t: unknown) => sameTag(t, type) } as unknown as string,
  }))
}

function mapEntries(payload: FramePayload, map: (entry: FramePayload) => FramePayload): FramePayload {
  // Snapshots map paths to entries, which are objects.
  const entries = Object.entries(payload.entries as { [path: string]: FramePayload })
  return { ...payload, entries: Object.fromEntries(entries.map(([path, entry]) => [path, map(entry)])) }
}

describe('catch-up', () => {
  let world: TestServer
  let client: TestClient
  beforeAll(async () => {
    world = await startTestServer()
    client = await world.connect()
  })
  afterAll(() => world.close())

  const fill = async (store: string, ops: number) => {
    world.server.createStore(store)
    const topic = `store:${store}`
    await client.join(topic)
    const writes = Array.from({ length: ops }, (_, i) =>
      client.write(topic, { op: 'set', path: `k/${i}`, value: i, client_op_id: `o${i}` }),
    )
    await Promise.all(writes)
    return topic
  }
  const reader = async (topic: string, lastStoreSeq: JsonValue = 0) => {
    const fresh = await world.connect()
    const reply = await fresh.join(topic, lastStoreSeq)
    await fresh.caughtUp(topic)
    return { fresh, reply, seqs: fresh.events().map((event) => event.store_seq) }
  }
  const completed = (peer: TestClient) =>
    peer.frames.filter((frame) => frame[3] === 'catch_up_complete').map((frame) => frame[4].through_seq)

  it('C01 joins an empty store', async () => {
    world.server.createStore('acme/empty')
    const { fresh, reply } = await reader('store:acme/empty')
    expect(reply.response).toMatchObject({
      store_seq: 0,
      capver: 3,
      capver_min: 3,
      permissions: { read: true, write: true },
    })
    const scopes = reply.response.scopes as string[]
    expect(scopes).toEqual([...scopes].sort())
    expect(reply.response.store_access).toEqual({ mode: 'all', store_ids: [] })
    expect(fresh.frames[1]).toEqual(['1', null, 'store:acme/empty', 'catch_up_complete', { through_seq: 0 }])
  })

  it('C02 C03 C04 sends what is after the cursor, and echoes one beyond the head', async () => {
    const topic = await fill('acme/three', 3)
    expect((await reader(topic)).seqs).toEqual([1, 2, 3])
    expect((await reader(topic, 2)).seqs).toEqual([3])
    const { fresh, seqs } = await reader(topic, 99)
    expect(seqs).toEqual([])
    expect(completed(fresh)).toEqual([99])
    await client.write(topic, { op: 'set', path: 'later', value: 1, client_op_id: 'later' })
    await fresh.waitFor((frame) => frame[4].store_seq === 4, 'the live event')
  })

  it('C05 C06 sends 2500 and exactly 1000 ops in order, with one completion marker at the end', async () => {
    for (const count of [2500, 1000]) {
      const topic = await fill(`acme/many-${count}`, count)
      const { fresh, seqs } = await reader(topic)
      expect(seqs).toEqual(Array.from({ length: count }, (_, i) => i + 1))
      expect(completed(fresh)).toEqual([count])
      expect(fresh.frames.at(-1)?.[3]).toBe('catch_up_complete')
    }
  })

  it('C08 serves the same store by name and by id, and live events reach both topics', async () => {
    const { id } = world.server.createStore('acme/two-names')
    await client.join('store:acme/two-names')
    const { fresh } = await reader(`store:${id}`)
    await client.write('store:acme/two-names', { op: 'set', path: 'a', value: 1, client_op_id: 'x' })
    const event = await fresh.waitFor((frame) => frame[3] === 'event', 'the event')
    expect(event).toMatchObject([null, null, `store:${id}`, 'event', { store_seq: 1, path: 'a' }])
  })

  it('C09 C10 refuses an archived store by name and an unknown one; by id the archive can be read', async () => {
    const { id } = world.server.createStore('acme/old')
    await client.join('store:acme/old')
    world.server.archiveStore('acme/old')
    await client.waitFor((frame) => frame[3] === 'phx_close' && frame[2] === 'store:acme/old', 'phx_close')
    for (const topic of [
      'store:acme/old',
      'store:acme/none',
      'store:other/t',
      'store:acme/../x',
      'store:/',
    ]) {
      expect(await client.join(topic), topic).toMatchObject({
        status: 'error',
        response: { reason: 'unauthorized' },
      })
    }
    const { fresh, reply } = await reader(`store:${id}`)
    expect(reply.status).toBe('ok')
    const refused = await fresh.write(`store:${id}`, { op: 'set', path: '', client_op_id: 'x' })
    expect(refused.response.reason, 'E29 before any path error').toBe('store_archived')
    expect((await fresh.write(`store:${id}`, { op: 'nope' })).response.reason).toBe('invalid op')
  })

  it('C11 C12 refuses a store that is not granted, and a token without entries:read', async () => {
    world.server.createStore('acme/other')
    const { token } = world.server.createToken({ stores: ['acme/other'], scopes: ['entries:read'] })
    const selected = await world.connect({ token })
    expect(await selected.join(T)).toEqual({
      status: 'error',
      response: { reason: 'store_not_allowed', message: 'Token does not have access to this store' },
    })
    expect(await selected.join('store:acme/other')).toMatchObject({
      status: 'ok',
      response: { permissions: { read: true, write: false }, store_access: { mode: 'selected' } },
    })
    const writer = await world.connect({ token: world.token(['entries:write']) })
    expect(await writer.join(T)).toEqual({
      status: 'error',
      response: {
        reason: 'missing_scope',
        scope: 'entries:read',
        message: 'Token is missing entries:read scope',
      },
    })
  })

  it('C13 C14 answers a join without last_store_seq and one of no store; the socket stays open', async () => {
    const fresh = await world.connect()
    for (const payload of [{}, { last_store_seq: 'x' }, { last_store_seq: 1.5 }]) {
      fresh.send(['a', 'a', T, 'phx_join', payload])
    }
    const replies = () => fresh.frames.filter((frame) => frame[1] === 'a')
    await fresh.waitFor(() => replies().length === 3, 'three replies')
    expect(replies().map((frame) => frame[4].status)).toEqual(['error', 'error', 'error'])
    expect((await fresh.join('store:foo')).status).toBe('error')
    expect((await fresh.join(T)).status).toBe('ok')
  })

  it('C15 C16 M09 sends a snapshot with revisions to whom it helps, then the tail', async () => {
    const topic = await fill('acme/compacted', 5)
    expect(world.server.compact('acme/compacted')).toMatchObject({ seq: 5 })
    await client.write(topic, { op: 'set', path: 'k/0', value: 'new', client_op_id: 'o6' })
    await client.write(topic, { op: 'delete', path: 'k/1', client_op_id: 'o7' })
    const { fresh, seqs } = await reader(topic)
    expect(fresh.frames.map((frame) => frame[3])).toEqual([
      'phx_reply',
      'snapshot',
      'event',
      'event',
      'catch_up_complete',
    ])
    expect(fresh.frames[1]?.[4]).toMatchObject({
      snapshot_seq: 5,
      entries: { 'k/0': { value: 0, type: 'integer', seq: 1 }, 'k/4': { value: 4, type: 'integer', seq: 5 } },
    })
    expect(seqs).toEqual([6, 7])
    const near = await reader(topic, 5)
    expect(near.fresh.frames.map((frame) => frame[3])).toEqual([
      'phx_reply',
      'event',
      'event',
      'catch_up_complete',
    ])
    expect(world.server.compact('acme/compacted')).toMatchObject({ seq: 7 })
    expect(world.server.compact('acme/compacted')).toBeNull()
    expect(completed((await reader(topic)).fresh)).toEqual([7])
  })

  it('a cursor of null asks for nothing but what comes next; a negative one for everything', async () => {
    const topic = await fill('acme/odd-cursors', 2)
    const { fresh, seqs } = await reader(topic, null)
    expect([seqs, completed(fresh)]).toEqual([[], [null]])
    expect((await reader(topic, -5)).seqs).toEqual([1, 2])
  })
})

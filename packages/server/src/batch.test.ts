import { EXTENSIONS, type FramePayload, type JsonValue, type Op } from '@dustlayer/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { batchJob } from './batch-job.js'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'
import { openTestStore, type TestStore } from './testing/test-store.js'

const ASKED = { extensions: [...EXTENSIONS], incarnation: null }

describe('batch', () => {
  let store: TestStore
  beforeEach(() => {
    store = openTestStore({ file: ':memory:' })
  })
  afterEach(() => store.end())

  const set = (path: string, value: JsonValue, more: Partial<Op> = {}): Op => {
    return { op: 'set', path, value, opId: `set ${path}`, ...more }
  }
  const increment = (path: string, opId: string): Op => ({ op: 'increment', path, value: 1, opId })
  const paths = () => [...store.storage.entries.scan()].map(({ path }) => path)

  it('applies all ops in order under consecutive seqs', () => {
    store.write(set('x', 1))
    expect(store.batch('b', [set('a', { b: 1 }), increment('n', 'i1'), increment('n', 'i2')])).toEqual({
      status: 'ok',
      response: { store_seq: 4, store_seqs: [2, 3, 4] },
    })
    expect(store.storage.entries.get('n')).toMatchObject({ value: 2, seq: 4 })
    expect(store.storage.log.after(1, 10, 1e6).map(({ op, clientOpId }) => [op, clientOpId])).toEqual([
      ['set', 'set a'],
      ['increment', 'i1'],
      ['increment', 'i2'],
    ])
  })

  it('L14 leaves nothing behind when one op is refused, and says which', () => {
    store.write(set('x', 1))
    const digest = store.storage.entries.digest()
    const refused = store.batch('b', [
      set('a', 1),
      { op: 'delete', path: 'x', value: null, opId: 'd' },
      set('x', 2, { ifMatch: 7 }),
    ])
    expect(refused).toMatchObject({ status: 'error', response: { reason: 'conflict', op_index: 2 } })
    expect(paths()).toEqual(['x'])
    expect(store.sequencer.head()).toBe(1)
    expect(store.storage.log.head()).toBe(1)
    expect(store.storage.entries.digest()).toEqual(digest)
    expect(store.storage.entries.count()).toBe(1)
    // Its ops may come again in another batch.
    expect(store.batch('c', [set('a', 1), set('x', 2, { ifMatch: 1 })]).status).toBe('ok')
  })

  it('plans each op on top of those before it', () => {
    expect(store.batch('b', [set('a', 1), set('a', 2, { opId: 'o2', ifAbsent: true })])).toMatchObject({
      response: { reason: 'exists', op_index: 1 },
    })
    expect(store.batch('c', [set('a', 1), set('a', 2, { opId: 'o3', ifMatch: 1 })]).status).toBe('ok')
  })

  it('checks the fence of each op', () => {
    const lease = store.write({ op: 'lease', path: 'l', value: null, opId: 'l', ttlMs: 1_000, holder: null })
    const fence = (token: JsonValue | undefined) => ({ key: 'l', token: token ?? null })
    const good = set('a', 1, { fence: fence(lease.response.token) })
    const bad = set('b', 1, { fence: fence(99) })
    expect(store.batch('b1', [good, bad])).toMatchObject({ response: { reason: 'fenced', op_index: 1 } })
    expect(store.batch('b2', [good]).status).toBe('ok')
  })

  it('a resend gets the first reply and has no effect, also when it was refused', () => {
    const ops = [increment('n', 'i1'), increment('n', 'i2')]
    const first = store.batch('b', ops)
    expect(store.batch('b', ops)).toEqual(first)
    expect(store.storage.entries.get('n')).toMatchObject({ value: 2 })
    const refused = [set('x', 1, { ifMatch: 5 })]
    const no = store.batch('r', refused)
    expect(no.status).toBe('error')
    expect(store.batch('r', refused)).toEqual(no)
    // Other content under the same id is another batch.
    expect(store.batch('b', [increment('n', 'i3')])).toMatchObject({ response: { store_seqs: [3] } })
  })

  it('an op of it that is sent by itself again gets its reply, and one that was accepted before is not doubled', () => {
    const [one, two] = [increment('n', 'i1'), increment('n', 'i2')]
    store.batch('b', [one, two])
    expect(store.write(two)).toEqual({ status: 'ok', response: { store_seq: 2 } })
    expect(store.storage.entries.get('n')).toMatchObject({ value: 2 })
    expect(store.batch('c', [increment('n', 'i3'), one])).toMatchObject({
      response: { reason: 'duplicate_client_op_id', op_index: 1 },
    })
    expect(store.storage.entries.get('n')).toMatchObject({ value: 2 })
  })

  it('a refused batch takes nothing of its group with it', () => {
    const replies: unknown[] = []
    const submit = (ops: readonly Op[], id: string) =>
      store.sequencer.submit(batchJob({ id, ops }, 'd', { maxKeys: 0 }), (result) => replies.push(result))
    submit([set('a', 1)], 'b1')
    submit([set('b', 1), set('x', 1, { ifMatch: 1 })], 'b2')
    submit([set('c', 1)], 'b3')
    store.scheduler.settle()
    expect(paths()).toEqual(['a', 'c'])
    expect(replies).toMatchObject([
      { value: { response: { store_seqs: [1] } } },
      { value: { response: { reason: 'conflict', op_index: 1 } } },
      { value: { response: { store_seqs: [2] } } },
    ])
  })

  it('counts for the leaves that it adds', () => {
    const job = batchJob({ id: 'b', ops: [set('a', 1), set('b', 1), set('c', 1)] }, 'd', { maxKeys: 2 })
    expect(store.run(job)).toMatchObject({
      value: { response: { reason: 'limit_exceeded', dimension: 'keys', current: 2, op_index: 2 } },
    })
    expect(paths()).toEqual([])
  })

  it('what is committed together is bounded in ops, not in batches', () => {
    const done: string[] = []
    for (const id of ['b1', 'b2', 'b3']) {
      const ops = Array.from({ length: 500 }, (_, i) => set(`${id}/${i}`, 1))
      store.sequencer.submit(batchJob({ id, ops }, 'd', { maxKeys: 0 }), () => done.push(id), 500)
    }
    store.scheduler.step()
    expect(done).toEqual(['b1', 'b2'])
    store.scheduler.settle()
    expect(done).toEqual(['b1', 'b2', 'b3'])
  })
})

describe('batch push', () => {
  let world: TestServer
  beforeAll(async () => {
    world = await startTestServer({ maxWritesPerMinute: 6 })
  })
  afterAll(() => world.close())
  const T = 'store:acme/t'
  let ids = 0
  const write = (path: string): FramePayload => ({ op: 'set', path, value: 1, client_op_id: `w${++ids}` })
  const connect = async (options = {}): Promise<TestClient> => {
    const token = world.token()
    const client = await world.connect({ token, ...options })
    await client.join(T, 0, ASKED)
    await client.caughtUp(T)
    return client
  }

  it.each(['json', 'msgpack'] as const)(
    'everybody gets ordinary events, before the reply (%s)',
    async (format) => {
      const reader = await world.connect({ format })
      await reader.join(T)
      const client = await connect({ format })
      const reply = await client.push(T, 'batch', {
        client_op_id: `b${++ids}`,
        ops: [write('a'), write('b')],
      })
      const last = Number(reply.response.store_seq)
      expect(reply.response.store_seqs).toEqual([last - 1, last])
      expect(client.events().map(({ store_seq: seq }) => seq)).toEqual([last - 1, last])
      const event = await reader.waitFor((frame) => frame[4].store_seq === last)
      expect(event[3]).toBe('event')
    },
  )

  it('says what is wrong with it, and applies nothing', async () => {
    const client = await connect()
    const lease = { op: 'lease', path: 'l', client_op_id: 'l' }
    expect(await client.push(T, 'batch', { client_op_id: 'x', ops: [write('odd'), lease] })).toMatchObject({
      response: { reason: 'lease_in_batch', op_index: 1 },
    })
    expect(await client.push(T, 'batch', { client_op_id: 'x', ops: [] })).toMatchObject({
      response: { reason: 'invalid_batch' },
    })
    const reader = await world.connect({ token: world.token(['entries:read']) })
    await reader.join(T, 0, ASKED)
    expect(await reader.push(T, 'batch', { client_op_id: 'x', ops: [write('a')] })).toMatchObject({
      response: { reason: 'missing_scope' },
    })
  })

  it('costs as many writes as it has ops, and may end beyond the limit', async () => {
    const client = await connect()
    const batch = (size: number) =>
      client.push(T, 'batch', {
        client_op_id: `b${++ids}`,
        ops: Array.from({ length: size }, () => write('r')),
      })
    expect((await batch(4)).status).toBe('ok')
    expect((await batch(100)).status).toBe('ok')
    expect(await batch(1)).toMatchObject({
      response: { reason: 'rate_limited', retry_after_ms: expect.any(Number) },
    })
  })
})

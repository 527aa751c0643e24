import { EXTENSIONS, type FramePayload } from '@dustlayer/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accepted, type Reply, rejected } from './reply.js'
import type { Job } from './sequencer.js'
import { createFakeClock, type FakeClock } from './testing/fake-clock.js'
import { startTestServer, type TestServer } from './testing/test-server.js'
import { openTestStore } from './testing/test-store.js'
import { createTurns } from './turns.js'

const T = 'store:acme/t'

describe('ordered_writes', () => {
  let world: TestServer
  let clock: FakeClock
  beforeAll(async () => {
    clock = createFakeClock()
    world = await startTestServer({ maxWritesPerMinute: 3, clock, idleTimeoutMs: 1e9 })
  })
  afterAll(() => world.close())

  const connect = async (extensions: string[]) => {
    clock.advance(60_000)
    const client = await world.connect({ token: world.token() })
    await client.join(T, 0, { extensions, incarnation: null })
    const write = async (id: string, more: FramePayload = {}) => {
      const payload = { op: 'set', path: `p/${id}`, value: 1, client_op_id: id, ...more }
      const { status, response } = await client.write(T, payload)
      return status === 'ok' ? 'ok' : response.reason
    }
    return { ...client, write }
  }

  it('after a write that was turned away, later ones wait until it comes again', async () => {
    const { write, push } = await connect([...EXTENSIONS])
    expect(await Promise.all(['a1', 'a2', 'a3', 'a4', 'a5'].map((id) => write(id)))).toEqual([
      'ok',
      'ok',
      'ok',
      'rate_limited',
      'out_of_turn',
    ])
    clock.advance(60_000)
    expect(await write('a5')).toBe('out_of_turn')
    const batch = { client_op_id: 'ab', ops: [{ op: 'set', path: 'p/ab', value: 1, client_op_id: 'ab1' }] }
    expect((await push(T, 'batch', batch)).response).toEqual({ reason: 'out_of_turn', awaited: 'a4' })
    clock.advance(60_000)
    expect(await write('a4')).toBe('ok')
    expect(await write('a5')).toBe('ok')
    // It left no receipt when it was out of turn.
    expect((await push(T, 'batch', batch)).status).toBe('ok')
  })

  it('a lease, which nobody sends again, neither waits its turn nor makes others wait', async () => {
    const { write } = await connect([...EXTENSIONS])
    const lease = { op: 'lease', path: 'locks/l', ttl_ms: 1_000, value: null }
    await Promise.all(['l1', 'l2', 'l3'].map((id) => write(id)))
    expect(await write('l4', lease)).toBe('rate_limited')
    expect(await write('l5')).toBe('rate_limited')
    clock.advance(60_000)
    expect(await write('l6', lease)).toBe('ok')
    expect(await write('l5')).toBe('ok')
  })

  it('a write that is refused for good when it comes again holds nobody up', async () => {
    const { write } = await connect([...EXTENSIONS])
    await Promise.all(['b1', 'b2', 'b3', 'b4'].map((id) => write(id)))
    clock.advance(60_000)
    expect(await write('b4', { op: 'nonsense' })).toBe('invalid op')
    expect(await write('b5')).toBe('ok')
  })

  it('another join, and one that did not ask for it, are not held up', async () => {
    const asked = await connect([...EXTENSIONS])
    const common = await connect(['batch'])
    for (const { write } of [asked, common]) {
      const ids = ['c1', 'c2', 'c3', 'c4', 'c5'].map((id) => write(id))
      expect((await Promise.all(ids)).at(-1)).toBe(write === asked.write ? 'out_of_turn' : 'rate_limited')
    }
    clock.advance(60_000)
    expect(await common.write('c5')).toBe('ok')
    expect(await asked.write('c5')).toBe('out_of_turn')
    await asked.join(T, 0, { extensions: [...EXTENSIONS], incarnation: null })
    expect(await asked.write('c5')).toBe('ok')
  })
})

describe('turns', () => {
  const busy: Job<Reply> = () => rejected({ reason: 'rate_limited' })
  const ok: Job<Reply> = () => accepted({ store_seq: 1 })
  const broken: Job<Reply> = () => {
    throw new Error('disk full')
  }

  /** Submits writes of one join together and gives the reasons, as their sender gets them. */
  function inOneGroup(
    writes: readonly (readonly [id: string, job: Job<Reply>])[],
    before: readonly string[] = [],
  ) {
    const store = openTestStore({ file: ':memory:' })
    const turns = createTurns()
    const reasons: unknown[] = []
    for (const id of before) turns.failed(id)
    for (const [id, job] of writes) {
      store.sequencer.submit(turns.inTurn(id, job), (result) => {
        if (result.ok) reasons.push(`${id} ${result.value.response.reason ?? 'ok'}`)
        else {
          turns.failed(id)
          reasons.push(`${id} failed`)
        }
      })
    }
    store.scheduler.settle()
    store.end()
    return reasons
  }

  it('a write that cannot be stored is awaited before those that were committed along with it', () => {
    expect(
      inOneGroup([
        ['a', ok],
        ['b', broken],
        ['c', ok],
        ['b', ok],
        ['c', ok],
      ]),
    ).toEqual(['a ok', 'b failed', 'c out_of_turn', 'b ok', 'c ok'])
  })

  it('the first that was turned away is awaited, not the last', () => {
    expect(
      inOneGroup([
        ['a', broken],
        ['b', busy],
        ['b', ok],
        ['a', ok],
        ['b', ok],
      ]),
    ).toEqual(['a failed', 'b out_of_turn', 'b out_of_turn', 'a ok', 'b ok'])
  })

  it('a transaction that is undone and done again decides as it did', () => {
    // The last one makes all of them run again, each alone.
    expect(
      inOneGroup(
        [
          ['b', ok],
          ['a', ok],
          ['c', ok],
          ['d', broken],
        ],
        ['a'],
      ),
    ).toEqual(['b out_of_turn', 'a ok', 'c ok', 'd failed'])
  })
})

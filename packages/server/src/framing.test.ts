import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeClock } from './testing/fake-clock.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

const T = 'store:acme/t'
let world: TestServer
beforeEach(async () => {
  world = await startTestServer()
})
afterEach(() => world.close())

const HEARTBEAT = ['7', 'phoenix', 'phx_reply', { status: 'ok', response: {} }]
const NOT_FRAMES = [
  'nonsense',
  '{}',
  '[]',
  '["1","2","t","e"]',
  '[null,"1","t","e",5]',
  '[null,"1","t","e",null]',
]

describe('framing', () => {
  it('B04 answers a heartbeat with text', async () => {
    const client = await world.connect()
    client.sendRaw('[null,"7","phoenix","heartbeat",{}]')
    expect(await client.waitFor(() => true)).toEqual([null, ...HEARTBEAT])
    expect(client.binary).toEqual([false])
  })

  it('B05 B06 answers binary with binary under MessagePack, to binary and to text', async () => {
    const client = await world.connect({ format: 'msgpack' })
    client.send([null, '7', 'phoenix', 'heartbeat', {}])
    client.sendRaw('[null,"8","phoenix","heartbeat",{}]')
    expect((await client.waitFor((frame) => frame[1] === '8'))[3]).toBe('phx_reply')
    expect(client.frames[0]).toEqual([null, ...HEARTBEAT])
    expect(client.binary).toEqual([true, true])
  })

  it('B07 accepts wide MessagePack headers, and text as bin', async () => {
    const client = await world.connect({ format: 'msgpack' })
    const text = (value: string) => [0xc4, value.length, ...Buffer.from(value)]
    const wide = (value: string) => [0xd9, value.length, ...Buffer.from(value)]
    client.sendRaw(
      Buffer.from([0xdc, 0, 5, 0xc0, ...wide('7'), ...text('phoenix'), ...wide('heartbeat'), 0xde, 0, 0]),
    )
    expect(await client.waitFor(() => true)).toEqual([null, ...HEARTBEAT])
  })

  it('B08 B09 answers pushes on topics that are not joined, and joins of other topics', async () => {
    const client = await world.connect()
    const unmatched = { status: 'error', response: { reason: 'unmatched topic' } }
    client.send(['1', '3', T, 'write', {}])
    expect(await client.waitFor((frame) => frame[1] === '3')).toEqual([null, '3', T, 'phx_reply', unmatched])
    client.send(['4', '4', 'other:x', 'phx_join', {}])
    expect(await client.waitFor((frame) => frame[1] === '4')).toEqual([
      '4',
      '4',
      'other:x',
      'phx_reply',
      unmatched,
    ])
  })

  it('B10 ignores a push with the join_ref of another join', async () => {
    const client = await world.connect()
    await client.join(T)
    client.send(['9', 'lost', T, 'status', {}])
    client.send([null, 'lost', T, 'status', {}])
    client.send(['1', 'kept', T, 'status', {}])
    await client.waitFor((frame) => frame[1] === 'kept')
    expect(client.frames.some((frame) => frame[1] === 'lost')).toBe(false)
  })

  it('B11 a second join closes the first', async () => {
    const client = await world.connect()
    await client.join(T)
    await client.caughtUp(T)
    client.send(['5', '5', T, 'phx_join', { last_store_seq: 0 }])
    await client.waitFor((frame) => frame[0] === '5' && frame[3] === 'catch_up_complete')
    expect(client.frames.slice(2).map((frame) => [frame[0], frame[1], frame[3]])).toEqual([
      ['1', '1', 'phx_close'],
      ['5', '5', 'phx_reply'],
      ['5', null, 'catch_up_complete'],
    ])
    expect(client.frames[2]?.[4]).toEqual({})
  })

  it('B12 B13 leaving ends the events of a topic; leaving twice is answered too', async () => {
    const client = await world.connect()
    const other = await world.connect()
    await client.join(T)
    await client.caughtUp(T)
    await other.join(T)
    client.send(['1', '9', T, 'phx_leave', {}])
    client.send([null, '10', T, 'phx_leave', {}])
    await client.waitFor((frame) => frame[1] === '10')
    await other.write(T, { op: 'set', path: 'a', value: 1, client_op_id: 'o' })
    client.send([null, '11', 'phoenix', 'heartbeat', {}])
    await client.waitFor((frame) => frame[1] === '11')
    expect(client.frames.slice(2).map((frame) => frame.slice(0, 4))).toEqual([
      ['1', '9', T, 'phx_reply'],
      ['1', '1', T, 'phx_close'],
      [null, '10', T, 'phx_reply'],
      [null, '11', 'phoenix', 'phx_reply'],
    ])
  })

  it('B14 B15 B16 ignores extra elements, takes ack_seq, and answers an unknown event', async () => {
    const client = await world.connect()
    await client.join(T)
    client.sendRaw(`["1","a","${T}","ack_seq",{"seq":5},7]`)
    expect((await client.waitFor((frame) => frame[1] === 'a'))[4]).toEqual({ status: 'ok', response: {} })
    expect((await client.push(T, 'ack_seq', {})).status).toBe('ok')
    for (const event of ['foo', 'constructor', '__proto__']) {
      expect(await client.push(T, event, {})).toMatchObject({
        status: 'error',
        response: { reason: 'unknown event' },
      })
    }
    expect((await client.push(T, 'status', {})).status).toBe('ok')
  })

  it('B17 closes a connection that is silent for too long', async () => {
    const clock = createFakeClock()
    await world.close()
    world = await startTestServer({ clock, idleTimeoutMs: 200 })
    const client = await world.connect()
    clock.advance(150)
    client.send([null, '1', 'phoenix', 'heartbeat', {}])
    await client.waitFor((frame) => frame[1] === '1')
    clock.advance(201)
    expect((await client.closed).code).toBe(1002)
  })

  it('B12 a leave that belongs to an earlier join leaves the newer one alone', async () => {
    const client = await world.connect()
    await client.join(T)
    await client.join(T)
    client.send(['1', '9', T, 'phx_leave', {}])
    expect(await client.waitFor(([, ref]) => ref === '9')).toEqual([
      '1',
      '9',
      T,
      'phx_reply',
      { status: 'ok', response: {} },
    ])
    expect((await client.push(T, 'status', {})).status).toBe('ok')
    expect(client.frames.filter(([, , , event]) => event === 'phx_close')).toHaveLength(1)
  })

  it('B18 a topic that closes leaves the others alone', async () => {
    world.server.createStore('acme/second')
    const client = await world.connect()
    await client.join(T)
    await client.join('store:acme/second')
    world.server.archiveStore('acme/t')
    await client.waitFor((frame) => frame[2] === T && frame[3] === 'phx_close')
    const written = await client.write('store:acme/second', {
      op: 'set',
      path: 'a',
      value: 1,
      client_op_id: 'o',
    })
    expect(written).toEqual({ status: 'ok', response: { store_seq: 1 } })
    expect(await client.push(T, 'status', {})).toMatchObject({ response: { reason: 'unmatched topic' } })
  })

  it('gives integer refs back as integers', async () => {
    const client = await world.connect()
    client.sendRaw('[null,7,"phoenix","heartbeat",{}]')
    expect(await client.waitFor(() => true)).toEqual([null, 7, ...HEARTBEAT.slice(1)])
  })
})

describe('what is no frame ends its connection and no other', () => {
  it.each([
    ...NOT_FRAMES.map((text) => ['json', text, text] as const),
    ['json', 'a lone surrogate', `[null,"1","phoenix","heartbeat",{"a":"\\ud800"}]`] as const,
    ['json', 'a binary message', Buffer.from('[null,"1","phoenix","heartbeat",{}]')] as const,
    ['msgpack', 'a header frame', Buffer.from([0, 1, 1, 1, 1, 1, 1])] as const,
    [
      'msgpack',
      'NaN',
      Buffer.from([
        0x95, 0xc0, 0xc0, 0xa1, 0x61, 0xa1, 0x61, 0x81, 0xa1, 0x61, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0,
      ]),
    ] as const,
    ['msgpack', 'nonsense in a text', 'nonsense'] as const,
  ])('%s: %s', async (format, _, message) => {
    const bystander = await world.connect()
    await bystander.join(T)
    const client = await world.connect({ format })
    await client.join(T)
    client.sendRaw(message)
    expect((await client.closed).code).toBe(1002)
    expect((await bystander.write(T, { op: 'set', path: 'a', value: 1, client_op_id: 'o' })).status).toBe(
      'ok',
    )
  })

  it('a message beyond 8,000,000 bytes closes with 1009', async () => {
    const client = await world.connect()
    client.sendRaw('x'.repeat(8_000_001))
    expect((await client.closed).code).toBe(1009)
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Frame, jsonCodec } from '@dustlayer/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { NO_EXTENSIONS } from './agreement.js'
import { createMember, type Member, type Outlet } from './member.js'
import { type OpenStore, openStore } from './open-store.js'
import { accepted } from './reply.js'
import { storeRollbackJob } from './rollback-job.js'
import { createSqliteEngine } from './sqlite/store-file.js'
import { createFakeClock } from './testing/fake-clock.js'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'
import { jsonFormat } from './wire-format.js'
import { writeJob } from './write-job.js'

/** An outlet whose peer takes something only when the test says so. */
function createTap() {
  const frames: Frame[] = []
  let waiting: (() => void)[] = []
  let congested = false
  const outlet: Outlet = {
    format: jsonFormat,
    send: (frame) => frames.push(jsonCodec.decode(frame)),
    congested: () => congested,
    whenDrained: (run) => waiting.push(run),
  }
  return {
    outlet,
    names: () =>
      frames.map(([, ref, , event, payload]) =>
        event === 'phx_reply' ? `reply ${ref}` : nameOf(event, payload),
      ),
    block() {
      congested = true
    },
    drain() {
      congested = false
      const runs = waiting
      waiting = []
      for (const run of runs) run()
      return runs.length
    },
  }
}

const nameOf = (event: string, payload: Frame[4]) =>
  event === 'event' ? `event ${payload.store_seq}` : event

describe('member', () => {
  let dataDir: string
  let store: OpenStore
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'dust-server-'))
    const storage = createSqliteEngine({ dataDir }).open('acme', 't')
    const record = {
      id: 'id',
      org: 'acme',
      name: 't',
      status: 'active',
      createdAt: 0,
      expiresAt: null,
    } as const
    store = openStore(record, storage, { clock: createFakeClock() })
  })
  afterEach(() => {
    store.sequencer.close()
    store.storage.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const write = (path: string) =>
    new Promise((resolve) => {
      const op = { op: 'set', path, value: 1, opId: path } as const
      store.sequencer.submit(writeJob(op, 'd', { maxKeys: 0 }), resolve)
    })
  const join_ = (outlet: Outlet): Member => {
    const failed = (error: unknown) => {
      throw error
    }
    return createMember({
      outlet,
      store,
      topic: 'store:acme/t',
      joinRef: '1',
      lastStoreSeq: 0,
      agreement: NO_EXTENSIONS,
      failed,
    })
  }

  it('reads on from the log when the peer was too slow for live events', async () => {
    const tap = createTap()
    join_(tap.outlet).start()
    await write('a')
    tap.block()
    await write('b')
    await write('c')
    expect(tap.names()).toEqual(['catch_up_complete', 'event 1'])
    tap.drain()
    await write('d')
    expect(tap.names()).toEqual(['catch_up_complete', 'event 1', 'event 2', 'event 3', 'event 4'])
    expect(tap.drain()).toBe(0)
  })

  it('pages through the log, a page at a time as the peer takes them', async () => {
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => write(`k${i}`)))
    const tap = createTap()
    join_(tap.outlet).start()
    expect(tap.names().length).toBe(500)
    await write('live')
    tap.drain()
    expect(tap.names().length).toBe(1_000)
    tap.drain()
    expect(tap.names().slice(-2)).toEqual(['event 1201', 'catch_up_complete'])
    expect(tap.names().length).toBe(1_202)
  })

  it('holds a reply back until the event that it is about has been sent', async () => {
    const tap = createTap()
    const member = join_(tap.outlet)
    member.start()
    tap.block()
    await write('a')
    member.reply('7', accepted({ store_seq: 1 }))
    member.reply('8', accepted({ store_seq: 2 }))
    member.reply('9', accepted())
    expect(tap.names()).toEqual(['catch_up_complete', 'reply 9'])
    tap.drain()
    expect(tap.names()).toEqual(['catch_up_complete', 'reply 9', 'event 1', 'reply 7'])
    member.stop()
    expect(tap.names().at(-1), 'what is held goes out at the end').toBe('reply 8')
  })

  it('sends what is held in the order of the events, however it came', async () => {
    const tap = createTap()
    const member = join_(tap.outlet)
    member.start()
    tap.block()
    await Promise.all(['a', 'b', 'c'].map(write))
    for (const seq of [2, 3, 1, 2]) member.reply(`r${seq}`, accepted({ store_seq: seq }))
    tap.drain()
    expect(tap.names().slice(1)).toEqual([
      'event 1',
      'reply r1',
      'event 2',
      'reply r2',
      'reply r2',
      'event 3',
      'reply r3',
    ])
  })

  it('reads a commit of very many ops from the log, in pages', async () => {
    await write('a')
    await Promise.all(Array.from({ length: 2_000 }, (_, i) => write(`k${i}`)))
    const tap = createTap()
    join_(tap.outlet).start()
    while (tap.drain() > 0);
    const before = tap.names().length
    await new Promise((resolve) => store.sequencer.submit(storeRollbackJob(1), resolve))
    expect(tap.names().length).toBe(before)
    tap.drain()
    expect(tap.names().length).toBe(before + 500)
    while (tap.drain() > 0);
    expect(tap.names().at(-1)).toBe('event 4001')
  })

  it('sends nothing after it was stopped', async () => {
    const tap = createTap()
    const member = join_(tap.outlet)
    member.start()
    member.stop()
    await write('a')
    expect(tap.names()).toEqual(['catch_up_complete'])
  })
})

describe('a slow peer over a real socket', () => {
  let world: TestServer
  beforeAll(async () => {
    world = await startTestServer()
  })
  afterAll(() => world.close())

  it('gets everything in order once it reads again, and slows nobody down', async () => {
    const T = 'store:acme/t'
    const slow: TestClient = await world.connect()
    const writer = await world.connect()
    await slow.join(T)
    await slow.caughtUp(T)
    await writer.join(T)
    slow.ws.pause()
    const value = 'x'.repeat(200_000)
    for (let i = 1; i <= 100; i++)
      await writer.write(T, { op: 'set', path: `k${i}`, value, client_op_id: `o${i}` })
    expect(slow.events().length).toBeLessThan(100)
    slow.ws.resume()
    await slow.waitFor((frame) => frame[4].store_seq === 100, 'the last event')
    expect(slow.events().map((event) => event.store_seq)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    )
  })

  it('that sends without reading is not read from, and is served when it reads', async () => {
    const client = await world.connect()
    client.ws.pause()
    const payload = { padding: 'x'.repeat(1_000) }
    for (let i = 0; i < 20_000; i++) client.send([null, `${i}`, 'phoenix', 'heartbeat', payload])
    client.ws.resume()
    await client.waitFor((frame) => frame[1] === '19999', 'the last reply')
    expect(client.frames.length).toBe(20_000)
  })
})

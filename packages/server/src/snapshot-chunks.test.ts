import {
  type AcceptedOp,
  CHUNK_TARGET_BYTES,
  decodeSnapshotChunk,
  EXTENSIONS,
  type FramePayload,
  type JsonValue,
  splitEventBatch,
} from '@dustlayer/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestClient } from './testing/test-client.js'
import { startTestServer, type TestServer } from './testing/test-server.js'

describe.each(['json', 'msgpack'] as const)('chunked catch-up in %s', (format) => {
  let world: TestServer
  beforeAll(async () => {
    world = await startTestServer()
  })
  afterAll(() => world.close())

  let stores = 0
  /** A new store with these values under `k0000`, `k0001` …. */
  const fill = async (values: readonly JsonValue[]) => {
    const name = `acme/s${++stores}`
    world.server.createStore(name)
    const record = world.server.hub.find(name)
    if (!record) throw new Error('no such store')
    const { storage, sequencer } = world.server.hub.open(record)
    const append = (op: AcceptedOp) =>
      new Promise((done) => {
        sequencer.submit((session) => session.append(op, { deviceId: 'd', clientOpId: 'o' }), done)
      })
    await Promise.all(values.map((value, i) => append({ op: 'set', path: pathOf(i), value })))
    return { topic: `store:${name}`, sequencer, append, incarnation: storage.identity.incarnation() }
  }
  const join = async (topic: string, lastStoreSeq: number, asked: FramePayload = {}) => {
    const client = await world.connect({ format })
    await client.join(topic, lastStoreSeq, { extensions: [...EXTENSIONS], incarnation: null, ...asked })
    await client.caughtUp(topic)
    client.close()
    return client
  }

  it('sends a snapshot in path order, with the revisions of the entries, then the ops after it', async () => {
    const { topic, sequencer, append } = await fill(Array.from({ length: 1_200 }, (_, i) => i))
    sequencer.compact()
    await append({ op: 'set', path: 'later', value: 1 })
    const client = await join(topic, 0)
    const chunks = chunksOf(client)
    expect(chunks.map(({ entries }) => entries.length)).toEqual([500, 500, 200])
    expect(chunks.map(({ from, after, last }) => [from, after, last])).toEqual([
      [null, 'k0499', false],
      ['k0499', 'k0999', false],
      ['k0999', 'k1199', true],
    ])
    expect(chunks.flatMap(({ entries }) => entries)).toEqual(
      Array.from({ length: 1_200 }, (_, i) => ({ path: pathOf(i), value: i, type: 'integer', seq: i + 1 })),
    )
    expect(new Set(chunks.map((chunk) => chunk.snapshot_seq))).toEqual(new Set([1_200]))
    const names = client.frames.map(([, , , event]) => event)
    expect(names).toEqual(['phx_reply', ...chunks.map(() => 'snapshot_chunk'), 'events', 'catch_up_complete'])
    expect(client.frames.at(-1)?.[4]).toEqual({ through_seq: 1_201 })
  })

  it('keeps to the size of a chunk, and to one entry where that is larger', async () => {
    const { topic, sequencer } = await fill(Array.from({ length: 40 }, () => 'v'.repeat(30_000)))
    sequencer.compact()
    const chunks = chunksOf(await join(topic, 0))
    for (const { entries } of chunks)
      expect(entries.length * 30_000).toBeLessThan(CHUNK_TARGET_BYTES + 40_000)
    expect(chunks.flatMap(({ entries }) => entries)).toHaveLength(40)
    expect(chunks.length).toBeLessThan(21)
  })

  it('a snapshot of nothing is one empty, last chunk', async () => {
    const { topic, sequencer, append } = await fill([1])
    await append({ op: 'delete', path: pathOf(0), value: null })
    sequencer.compact()
    expect(chunksOf(await join(topic, 0))).toEqual([
      { snapshot_seq: 2, entries: [], from: null, after: null, last: true },
    ])
  })

  it('goes on where a broken connection ended', async () => {
    const { topic, sequencer, incarnation } = await fill(Array.from({ length: 1_200 }, (_, i) => i))
    sequencer.compact()
    const snapshot = { seq: 1_200, after: pathOf(649) }
    const chunks = chunksOf(await join(topic, 0, { incarnation, snapshot }))
    expect(chunks.map(({ from, after, last }) => [from, after, last])).toEqual([
      [pathOf(649), pathOf(1_149), false],
      [pathOf(1_149), pathOf(1_199), true],
    ])
    const rest = chunksOf(
      await join(topic, 0, { incarnation, snapshot: { seq: 1_200, after: pathOf(1_199) } }),
    )
    expect(rest).toEqual([
      { snapshot_seq: 1_200, entries: [], from: pathOf(1_199), after: pathOf(1_199), last: true },
    ])
  })

  it('begins anew when the snapshot is another one, or of another history', async () => {
    const { topic, sequencer, append, incarnation } = await fill([1, 2, 3])
    sequencer.compact()
    const begins = async (asked: FramePayload) => {
      const [first] = chunksOf(await join(topic, 0, asked))
      return [first?.snapshot_seq, first?.from]
    }
    const after = pathOf(1)
    expect(await begins({ incarnation, snapshot: { seq: 3, after } })).toEqual([3, after])
    expect(await begins({ incarnation: null, snapshot: { seq: 3, after } })).toEqual([3, null])
    expect(await begins({ incarnation: 'another', snapshot: { seq: 3, after } })).toEqual([3, null])
    expect(await begins({ incarnation, snapshot: { seq: 2, after } })).toEqual([3, null])
    await append({ op: 'set', path: 'x', value: 1 })
    sequencer.compact()
    expect(await begins({ incarnation, snapshot: { seq: 3, after } })).toEqual([4, null])
  })

  it('sends no snapshot to who is not behind it', async () => {
    const { topic, sequencer, append } = await fill([1, 2, 3])
    sequencer.compact()
    await append({ op: 'set', path: 'x', value: 1 })
    const client = await join(topic, 3)
    expect(chunksOf(client)).toEqual([])
    expect(batchesOf(client)).toEqual([[4]])
  })

  it('C05 sends missed events in batches', async () => {
    const { topic } = await fill(Array.from({ length: 1_234 }, (_, i) => i))
    const batches = batchesOf(await join(topic, 10))
    expect(batches.map((seqs) => seqs.length)).toEqual([500, 500, 224])
    expect(batches.flat()).toEqual(Array.from({ length: 1_224 }, (_, i) => i + 11))
    const large = await fill(Array.from({ length: 40 }, () => 'v'.repeat(30_000)))
    for (const seqs of batchesOf(await join(large.topic, 0)))
      expect(seqs.length * 30_000).toBeLessThan(CHUNK_TARGET_BYTES + 40_000)
  })

  it('each of them only to who asked for it', async () => {
    const { topic, sequencer, append } = await fill([1, 2, 3])
    sequencer.compact()
    await append({ op: 'set', path: 'x', value: 1 })
    const names = async (extensions: JsonValue) =>
      (await join(topic, 0, { extensions })).frames.map(([, , , event]) => event).slice(1, -1)
    expect(await names(['snapshot_chunks'])).toEqual(['snapshot_chunk', 'event'])
    expect(await names(['event_batches'])).toEqual(['snapshot', 'events'])
    expect(await names([])).toEqual(['snapshot', 'event'])
  })
})

function pathOf(i: number): string {
  return `k${String(i).padStart(4, '0')}`
}

function payloadsOf({ frames }: TestClient, event: string): FramePayload[] {
  return frames.filter((frame) => frame[3] === event).map((frame) => frame[4])
}

function chunksOf(client: TestClient) {
  return payloadsOf(client, 'snapshot_chunk').map(decodeSnapshotChunk)
}

/** The store_seqs of each `events` frame. */
function batchesOf(client: TestClient): unknown[][] {
  return payloadsOf(client, 'events').map((payload) =>
    splitEventBatch(payload).map((event) => event.store_seq),
  )
}

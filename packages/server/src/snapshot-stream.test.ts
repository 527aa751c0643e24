import {
  decodeSnapshotChunk,
  EXTENSIONS,
  type Frame,
  jsonCodec,
  type SnapshotChunkPayload,
} from '@dustlayer/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agree } from './agreement.js'
import { compactionPolicy } from './compaction-policy.js'
import { COMPACTION_CHECK_MS } from './compactor.js'
import { createMember, type Member } from './member.js'
import { openTestStore, type TestStore } from './testing/test-store.js'
import { jsonFormat } from './wire-format.js'

/** A member whose peer takes one page when the test says so. */
function joinSlowly(store: TestStore, lastStoreSeq: number) {
  const frames: Frame[] = []
  const waiting: (() => void)[] = []
  const asked = { extensions: [...EXTENSIONS], incarnation: store.storage.identity.incarnation() }
  const { agreement } = agree(store.open, asked, lastStoreSeq)
  const member: Member = createMember({
    outlet: {
      format: jsonFormat,
      send: (frame) => frames.push(jsonCodec.decode(frame)),
      congested: () => false,
      whenDrained: (run) => waiting.push(run),
    },
    store: store.open,
    topic: 'store:acme/t',
    joinRef: '1',
    lastStoreSeq,
    agreement,
    failed(error) {
      throw error
    },
  })
  member.start()
  return {
    member,
    chunks: (): SnapshotChunkPayload[] =>
      frames.filter((frame) => frame[3] === 'snapshot_chunk').map((frame) => decodeSnapshotChunk(frame[4])),
    names: () => frames.map((frame) => frame[3]),
    take: () => waiting.shift()?.(),
    takeAll() {
      while (waiting.length > 0) waiting.shift()?.()
    },
  }
}

describe('a snapshot on its way to a slow member', () => {
  let store: TestStore
  beforeEach(() => {
    store = openTestStore({
      file: ':memory:',
      compaction: compactionPolicy({ minOps: 0, keepMs: 0, maxOps: 3_000 }),
    })
    store.fill(1_200)
    store.sequencer.compact()
  })
  afterEach(() => store.end())

  it('is not compacted away', () => {
    const { chunks, take, takeAll, member } = joinSlowly(store, 0)
    take()
    store.fill(1_000)
    store.scheduler.advance(COMPACTION_CHECK_MS)
    expect(store.storage.history.snapshot()).toMatchObject({ seq: 1_200 })
    takeAll()
    expect(chunks().map(({ last }) => last)).toEqual([false, false, true])
    store.scheduler.advance(COMPACTION_CHECK_MS)
    expect(store.storage.history.snapshot(), 'once it is there').toMatchObject({ seq: 2_200 })
    member.stop()
  })

  it('goes when its member goes', () => {
    joinSlowly(store, 0).member.stop()
    store.fill(1_000)
    store.scheduler.advance(COMPACTION_CHECK_MS)
    expect(store.storage.history.snapshot()).toMatchObject({ seq: 2_200 })
  })

  it('is begun anew when maxOps had it replaced', () => {
    const { chunks, names, take, takeAll } = joinSlowly(store, 0)
    take()
    store.fill(3_500)
    expect(store.storage.history.snapshot()?.seq).toBeGreaterThan(1_200)
    takeAll()
    const seq = store.storage.history.snapshot()?.seq
    const begun = chunks().map((chunk) => [chunk.snapshot_seq, chunk.from === null])
    expect(begun.slice(0, 4)).toEqual([
      [1_200, true],
      [1_200, false],
      [seq, true],
      [seq, false],
    ])
    expect(chunks().at(-1)?.last).toBe(true)
    expect(names().at(-1)).toBe('catch_up_complete')
  })
})

it('a live member that fell behind a compaction gets chunks as well', () => {
  const store = openTestStore({ file: ':memory:', compaction: compactionPolicy({ minOps: 0, maxOps: 100 }) })
  const frames: string[] = []
  let congested = false
  const waiting: (() => void)[] = []
  const { agreement } = agree(store.open, { extensions: [...EXTENSIONS], incarnation: null }, 0)
  const member = createMember({
    outlet: {
      format: jsonFormat,
      send: (frame) => frames.push(jsonCodec.decode(frame)[3]),
      congested: () => congested,
      whenDrained: (run) => waiting.push(run),
    },
    store: store.open,
    topic: 'store:acme/t',
    joinRef: '1',
    lastStoreSeq: 0,
    agreement,
    failed(error) {
      throw error
    },
  })
  member.start()
  congested = true
  store.fill(500)
  congested = false
  while (waiting.length > 0) waiting.shift()?.()
  expect(frames).toEqual(['catch_up_complete', 'snapshot_chunk', 'events'])
  store.end()
})

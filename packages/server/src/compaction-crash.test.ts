import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Op } from '@dustlayer/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compactionPolicy } from './compaction-policy.js'
import { COMPACTION_CHECK_MS } from './compactor.js'
import { createModelClient, type ModelClient } from './testing/model-client.js'
import { RANDOM_OP } from './testing/random-ops.js'
import { openTestStore, type TestStore } from './testing/test-store.js'

// Some of everything, the same in every run.
const OPS = fc.sample(RANDOM_OP, { numRuns: 1_800, seed: 7 }).map((op, i): Op => ({ ...op, opId: `o${i}` }))

const COMPACTION = compactionPolicy({ minOps: 0, keepMs: 0 })

let dir: string
let original: string
/** Clients that were there last at different points of the history, with and without extensions. */
const clients: ModelClient[] = []
let expected: ReturnType<typeof stateOf>

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'dust-crash-'))
  original = join(dir, 'original.db')
  const store = openTestStore({ file: original })
  for (const [i, op] of OPS.entries()) {
    if (i % 600 === 0) {
      for (const extended of [false, true]) {
        const client = createModelClient(extended)
        client.catchUp(store.open, store.scheduler)
        clients.push(client)
      }
    }
    store.write(op)
  }
  expect(store.sequencer.head(), 'more than one slice').toBeGreaterThan(1_100)
  expected = stateOf(store)
  store.end()
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Everything that a store says of itself. */
function stateOf({ storage, sequencer }: TestStore) {
  return {
    head: sequencer.head(),
    entries: [...storage.entries.scan()],
    count: storage.entries.count(),
    digest: storage.entries.digest(),
    incarnation: storage.identity.incarnation(),
    past: storage.history.entriesAt(sequencer.head()),
  }
}

/** What a process leaves behind that ends now: the file and its write-ahead log. */
function copyStore(from: string, name: string): string {
  const to = join(dir, name)
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(to + suffix, { force: true })
    if (suffix !== '-shm' && existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix)
  }
  return to
}

function expectWhole(store: TestStore): void {
  expect(stateOf(store)).toEqual(expected)
  const held = expected.entries.map(({ path, value, seq }) => [path, { value, seq }])
  for (const client of clients.map((client) => client.copy())) {
    const from = client.cursor
    client.catchUp(store.open, store.scheduler)
    expect(client.cursor, `client from ${from}`).toBe(expected.head)
    expect([...client.entries].sort(byPath), `client from ${from}`).toEqual(held.sort(byPath))
  }
}

const byPath = ([a]: readonly unknown[], [b]: readonly unknown[]) => (String(a) < String(b) ? -1 : 1)

/** Every statement that begins or ends something, and some of the many in between. */
function isStep(sql: string, index: number): boolean {
  return (
    !/^(INSERT OR REPLACE INTO snapshot_entries|DELETE FROM snapshot_entries)/.test(sql) || index % 401 === 0
  )
}

function compactedWith(file: string, atStep: (sql: string) => void): TestStore {
  let armed = false
  let index = 0
  const trace = (sql: string) => {
    if (armed && isStep(sql, index++)) atStep(sql)
  }
  const store = openTestStore({ file, compaction: COMPACTION, trace })
  armed = true
  store.scheduler.advance(COMPACTION_CHECK_MS)
  armed = false
  return store
}

it('C15 loses nothing, whichever statement is the last that was reached', () => {
  const file = copyStore(original, 'dying.db')
  const images: { readonly at: string; readonly file: string }[] = []
  const store = compactedWith(file, (sql) => {
    images.push({ at: sql.slice(0, 40), file: copyStore(file, `image-${images.length}.db`) })
  })
  expect(store.storage.log.first()).toBeNull()
  expectWhole(store)
  const compacted = [...store.storage.history.snapshotLeaves()]
  store.end()

  const starts = new Set<number>()
  for (const image of images) {
    const reopened = openTestStore({ file: image.file, compaction: COMPACTION })
    starts.add(reopened.storage.history.snapshot()?.seq ?? 0)
    expectWhole(reopened)
    // The next process goes on where this one ended.
    reopened.scheduler.advance(COMPACTION_CHECK_MS)
    expect(reopened.storage.log.first(), image.at).toBeNull()
    expect([...reopened.storage.history.snapshotLeaves()]).toEqual(compacted)
    reopened.end()
  }
  expect(images.length).toBeGreaterThan(20)
  expect(starts.size, 'images between slices').toBeGreaterThan(2)
}, 60_000)

it('C15 a statement that fails undoes its slice only, and the store goes on', () => {
  const steps: string[] = []
  compactedWith(copyStore(original, 'counted.db'), (sql) => steps.push(sql)).end()
  for (const at of steps.keys()) {
    let left = at
    const store = compactedWith(copyStore(original, 'failing.db'), (sql) => {
      if (left-- === 0) throw new Error(`the disk is full at ${sql}`)
    })
    expect([...store.storage.entries.scan()]).toEqual(expected.entries)
    store.scheduler.advance(COMPACTION_CHECK_MS)
    expect(store.storage.log.first(), steps[at]).toBeNull()
    expectWhole(store)
    store.end()
  }
}, 60_000)

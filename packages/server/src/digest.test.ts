import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  addDigest,
  type Digest,
  digestText,
  EMPTY_DIGEST,
  entryDigest,
  type Op,
  stringifyJson,
} from '@dustlayer/protocol'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STORE_MIGRATIONS } from './sqlite/store-schema.js'
import type { StoreStorage } from './storage.js'
import { RANDOM_OP } from './testing/random-ops.js'
import { openTestStore } from './testing/test-store.js'
import { writeJob } from './write-job.js'

function scanned({ entries }: StoreStorage): Digest {
  let digest = EMPTY_DIGEST
  for (const { path, type, seq, value } of entries.scan()) {
    digest = addDigest(digest, entryDigest(path, type, seq, stringifyJson(value)))
  }
  return digest
}

/** What may happen to a store's entries. */
const STEP = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), op: RANDOM_OP }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('batch' as const, 'failure' as const),
      ops: fc.array(RANDOM_OP, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'compact' as const }, { kind: 'reopen' as const }) },
)

describe('digest', () => {
  it('is that of a full scan after any ops, refusals, undone transactions and restarts', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 40 }), (steps) => {
        const store = openTestStore()
        let ids = 0
        const named = (op: Omit<Op, 'opId'>): Op => ({ ...op, opId: `o${++ids}` })
        try {
          for (const step of steps) {
            if (step.kind === 'write') store.write(named(step.op))
            else if (step.kind === 'batch') {
              const ops = step.ops.map(named).filter(({ op }) => op !== 'lease' && op !== 'release')
              if (ops.length > 0) store.batch(`b${++ids}`, ops)
            } else if (step.kind === 'failure') {
              const { ok } = store.run((session) => {
                for (const op of step.ops) writeJob(named(op), 'd', { maxKeys: 0 })(session)
                throw new Error('the disk is full')
              })
              expect(ok).toBe(false)
            } else if (step.kind === 'compact') store.sequencer.compact()
            else store.reopen()
            expect(digestText(store.storage.entries.digest())).toBe(digestText(scanned(store.storage)))
          }
        } finally {
          store.end()
        }
      }),
      { numRuns: 60 },
    )
  })

  it('of a large subtree that goes at once', () => {
    const store = openTestStore()
    store.fill(2_500)
    store.write({ op: 'delete', path: 'k', value: null, opId: 'x' })
    expect(store.storage.entries.digest()).toEqual(EMPTY_DIGEST)
    expect(store.storage.entries.count()).toBe(0)
    store.end()
  })

  it('is made for a file from before there were digests, which gets an incarnation, too', () => {
    const dir = mkdtempSync(join(tmpdir(), 'dust-digest-'))
    const file = join(dir, 't.db')
    const old = new Database(file)
    old.exec(STORE_MIGRATIONS[0] ?? '')
    old.pragma('user_version = 1')
    old.exec(`
      INSERT INTO ops VALUES (1, 'set', 'a/b', '"x"', 'd', 'o1', 1), (2, 'increment', 'n', '5', 'd', 'o2', 2);
      INSERT INTO entries VALUES ('a/b', '"x"', 'string', 1), ('n', '5', 'counter', 2);`)
    old.close()

    const store = openTestStore({ file })
    expect(store.storage.entries.digest()).toEqual(scanned(store.storage))
    expect(store.storage.entries.digest()).not.toEqual(EMPTY_DIGEST)
    const incarnation = store.storage.identity.incarnation()
    expect(incarnation).toMatch(/^[0-9a-f]{32}$/)
    expect(store.write({ op: 'increment', path: 'n', value: 1, opId: 'o3' }).response).toEqual({
      store_seq: 3,
    })
    store.end()

    const again = openTestStore({ file })
    expect(again.storage.identity.incarnation()).toBe(incarnation)
    expect(again.storage.entries.digest()).toEqual(scanned(again.storage))
    again.end()
    rmSync(dir, { recursive: true, force: true })
  })
})

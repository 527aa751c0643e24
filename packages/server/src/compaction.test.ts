import type { Op } from '@dustlayer/protocol'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { compactionPolicy } from './compaction-policy.js'
import { COMPACTION_CHECK_MS } from './compactor.js'
import { createLogger } from './log.js'
import { RANDOM_OP } from './testing/random-ops.js'
import { openTestStore, type TestStore, type TestStoreOptions } from './testing/test-store.js'

const HOUR = 3_600_000

describe('compaction', () => {
  let store: TestStore
  afterEach(() => store.end())

  const open = (policy: Parameters<typeof compactionPolicy>[0], options: TestStoreOptions = {}) => {
    store = openTestStore({ compaction: compactionPolicy(policy), ...options })
  }
  /** The first op that the log still has. */
  const first = () => store.storage.log.first()
  const check = () => store.scheduler.advance(COMPACTION_CHECK_MS)

  it('folds what is older than keepMs and not among the newest minOps', () => {
    open({ minOps: 100, keepMs: HOUR, maxOps: 10_000 })
    store.fill(1_000)
    check()
    expect(first()).toBe(1)
    store.clock.advance(HOUR)
    store.fill(50)
    check()
    expect(store.storage.history.snapshot()).toMatchObject({ seq: 950 })
    expect(first()).toBe(951)
    expect(store.storage.log.head()).toBe(1_050)
  })

  it('folds only ops that are old enough', () => {
    open({ minOps: 10, keepMs: HOUR, maxOps: 10_000 })
    store.fill(300)
    store.clock.advance(HOUR)
    store.fill(500)
    check()
    expect(first()).toBe(301)
  })

  it('waits until there is a tenth of minOps to fold, so that the snapshot does not move all the time', () => {
    open({ minOps: 100, keepMs: 0, maxOps: 10_000 })
    store.fill(109)
    check()
    expect(first()).toBe(1)
    store.fill(1)
    check()
    expect(first()).toBe(11)
  })

  it('goes in slices of at most 500 ops, between which writers have their turn', () => {
    const did: string[] = []
    open(
      { minOps: 0, keepMs: 0, maxOps: 100_000 },
      {
        wrap: ({ history, ...storage }) => ({
          ...storage,
          history: {
            ...history,
            fold(through, size, now) {
              const snapshot = history.fold(through, size, now)
              did.push(`folded to ${snapshot?.seq}`)
              // Somebody writes while the store is being compacted.
              const job = () => did.push('wrote')
              if (did.length < 4) store.sequencer.submit(job, () => {})
              return snapshot
            },
          },
        }),
      },
    )
    store.fill(1_600)
    check()
    expect(did).toEqual([
      'folded to 500',
      'wrote',
      'folded to 1000',
      'wrote',
      'folded to 1500',
      'folded to 1600',
    ])
  })

  it('never goes above the cursor of a follower, or of a device that was there lately', () => {
    open({ minOps: 0, keepMs: 0, maxOps: 100_000 })
    store.fill(1_000)
    const off = store.open.follow({ deliver() {}, cursor: () => 700 })
    store.open.acknowledge('phone', 400)
    check()
    expect(first()).toBe(401)
    store.clock.advance(23 * HOUR)
    check()
    expect(first()).toBe(401)
    store.clock.advance(2 * HOUR)
    check()
    expect(first()).toBe(701)
    off()
    check()
    expect(first()).toBeNull()
  })

  it('remembers across restarts what devices acknowledged', () => {
    open({ minOps: 0, keepMs: 0, maxOps: 100_000 })
    store.fill(100)
    store.open.acknowledge('phone', 40)
    store.open.acknowledge('phone', 60)
    // Beyond the head there is nothing yet, whatever a device says.
    store.open.acknowledge('liar', 1e9)
    store.reopen()
    expect(store.storage.devices.list()).toHaveLength(2)
    check()
    expect(first()).toBe(61)
  })

  it('a device that is behind the log, which gets a snapshot anyway, holds nothing back', () => {
    open({ minOps: 0, keepMs: 0, maxOps: 100_000 })
    store.fill(100)
    store.sequencer.compact()
    store.open.acknowledge('old', 50)
    store.fill(100)
    check()
    expect(first()).toBeNull()
  })

  it('maxOps wins over everybody, at once and with some room to spare', () => {
    open({ minOps: 10, keepMs: HOUR, maxOps: 1_000 })
    store.open.follow({ deliver() {}, cursor: () => 0 })
    store.open.acknowledge('phone', 1)
    store.fill(1_000)
    expect(first()).toBe(1)
    store.fill(1)
    expect(first()).toBe(102)
    store.fill(5_000)
    expect(store.storage.log.head() - (first() ?? 0)).toBeLessThan(1_000)
  })

  it('leaves the whole log when there is no policy', () => {
    store = openTestStore({ compaction: null })
    store.fill(100)
    store.scheduler.advance(1_000 * HOUR)
    expect(first()).toBe(1)
  })

  it('a failure is logged and tried again at the next check, while writers go on', () => {
    const lines: string[] = []
    let broken = true
    open(
      { minOps: 0, keepMs: 0, maxOps: 1_000 },
      {
        logger: createLogger({ write: (line) => lines.push(line), form: 'text', level: 'info' }),
        trace: (sql) => {
          if (broken && sql.startsWith('DELETE FROM ops')) throw new Error('disk full')
        },
      },
    )
    store.fill(1_500)
    store.fill(10)
    expect(first()).toBe(1)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('disk full')
    broken = false
    check()
    expect(first()).toBeNull()
  })

  it('a closed store leaves no alarm behind', () => {
    open({ minOps: 0 })
    expect(store.scheduler.alarms).toBe(1)
    store.reopen()
    expect(store.scheduler.alarms).toBe(1)
  })

  it('C15 the snapshot and the log after it make the entries, however far it was folded', () => {
    fc.assert(
      fc.property(
        fc.array(RANDOM_OP, { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(20), { maxLength: 5 }),
        (ops, folds) => {
          const one = openTestStore({ file: ':memory:' })
          const whole = openTestStore({ file: ':memory:' })
          try {
            for (const [i, op] of ops.entries()) {
              const named: Op = { ...op, opId: `o${i}` }
              expect(one.write(named)).toEqual(whole.write(named))
              if (folds.includes(i % 20)) one.storage.history.fold(i, { count: 3, bytes: 1e6 }, i)
            }
            const entries = [...one.storage.entries.scan()]
            expect(entries).toEqual([...whole.storage.entries.scan()])
            const head = one.storage.log.head()
            const start = one.storage.history.snapshot()?.seq ?? 0
            for (const seq of new Set([start, Math.ceil((start + head) / 2), head])) {
              expect(one.storage.history.entriesAt(seq), `at ${seq}`).toEqual(
                whole.storage.history.entriesAt(seq),
              )
            }
            while (one.storage.history.fold(head, { count: 7, bytes: 50 }, 0));
            expect(one.storage.log.first()).toBeNull()
            expect(leaves(one)).toEqual(entries)
          } finally {
            one.end()
            whole.end()
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})

function leaves({ storage }: TestStore) {
  return [...storage.history.snapshotLeaves()].map(({ path, valueJson, type, seq }) => {
    return { path, value: JSON.parse(valueJson), type, seq }
  })
}

describe('compaction policy', () => {
  it('fills in what is left out, and refuses what makes no sense', () => {
    expect(compactionPolicy()).toEqual({ minOps: 10_000, keepMs: 604_800_000, maxOps: 1_000_000 })
    expect(compactionPolicy(false)).toBeNull()
    expect(compactionPolicy({ minOps: 5 })).toMatchObject({ minOps: 5, maxOps: 1_000_000 })
    const odd: { [name: string]: number }[] = [
      { minops: 5 },
      { minOps: -1 },
      { keepMs: 1.5 },
      { maxOps: 0, minOps: 0 },
      { minOps: 10, maxOps: 9 },
    ]
    for (const policy of odd) expect(() => compactionPolicy(policy)).toThrow(/compaction\./)
    expect(() => compactionPolicy(odd[0])).toThrow('Did you mean "compaction.minOps"?')
  })
})

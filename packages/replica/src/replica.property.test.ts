import { type Entry, type EntryType, type JsonValue, type Op, parsePattern } from '@dustlayer/protocol'
import { createModelStore } from '@dustlayer/protocol/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import type { LocalOp } from './outbox.js'
import { openReplica, type Replica } from './replica.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { createWorld, type World } from './testing/world.js'
import type { EntryData } from './visible.js'

const DEVICE = 'device-1'

const path = fc.constantFrom('a', 'b', 'a/b', 'a/c', 'a/b/c', 'a-b', 'a/b/d')
const leaf: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(0, 1, 'x', null, true, [1, 2], ['m'])
const map: fc.Arbitrary<JsonValue> = fc.dictionary(
  fc.constantFrom('b', 'c', 'd'),
  fc.oneof(leaf, fc.constant({ c: 1, d: { e: 2 } })),
  {
    maxKeys: 3,
  },
)
const draft = fc.oneof(
  fc.record({ op: fc.constant('set' as const), path, value: fc.oneof(leaf, map) }),
  fc.record({ op: fc.constant('delete' as const), path, value: fc.constant(null) }),
  fc.record({ op: fc.constant('merge' as const), path, value: map }),
  fc.record({ op: fc.constant('increment' as const), path, value: fc.integer({ min: -3, max: 3 }) }),
  fc.record({
    op: fc.constantFrom('add' as const, 'remove' as const),
    path,
    value: fc.constantFrom('m', 'n', 1),
  }),
)

type Step =
  | { kind: 'write'; draft: { op: LocalOp['op']; path: string; value: JsonValue }; cas: boolean }
  | { kind: 'foreign'; draft: { op: LocalOp['op']; path: string; value: JsonValue } }
  | { kind: 'send' | 'answer' | 'snapshot' | 'reconnect' | 'restart' | 'rollback' }
  | { kind: 'events'; limit: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), draft, cas: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('foreign' as const), draft }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('answer' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('events' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'snapshot' as const,
        'reconnect' as const,
        'restart' as const,
        'rollback' as const,
      ),
    }),
  },
)

/** One client, one server, and everything that may happen between them. */
function createRun() {
  const world = createWorld()
  const driver = openBetterSqlite()
  const issued: string[] = []
  const refusedAtOnce: string[] = []
  let replica = open(driver)
  let sent = 0
  let ids = 0

  const write = (op: LocalOp): void => {
    try {
      replica.write(op)
      issued.push(op.opId)
    } catch {
      refusedAtOnce.push(op.opId)
    }
  }

  const send = (): void => {
    const next = replica.sync.outbox(sent, 1)[0]
    if (!next || next.waitsFor !== null) return
    sent = next.position
    if (!next.acked) world.push(DEVICE, next.payload)
  }

  /** A new connection resends nothing before the catch-up is complete. */
  const reconnect = (): void => {
    world.disconnect()
    world.deliverEvents(replica.sync, Number.POSITIVE_INFINITY)
    sent = 0
  }

  const perform = (action: Step): void => {
    switch (action.kind) {
      case 'write':
        write({ ...action.draft, opId: `own-${ids++}`, ...casFor(replica, action) })
        return
      case 'foreign':
        world.foreign({ ...action.draft, opId: `foreign-${ids++}` } satisfies Op)
        return
      case 'send':
        return send()
      case 'answer':
        return world.deliverAnswer(replica.sync)
      case 'events':
        return world.deliverEvents(replica.sync, action.limit)
      case 'snapshot':
        return world.deliverSnapshot(replica.sync)
      case 'reconnect':
        return reconnect()
      case 'restart':
        replica = open(driver)
        return reconnect()
      case 'rollback':
        return failInTransaction(replica, `own-${ids++}`)
    }
  }

  const settle = (): void => {
    for (let idle = 0; replica.pending().count > 0 && idle < 1_000; idle++) {
      send()
      world.deliverEvents(replica.sync, 1)
      world.deliverAnswer(replica.sync)
    }
    world.deliverEvents(replica.sync, Number.POSITIVE_INFINITY)
  }

  return { world, driver, issued, perform, settle, replica: () => replica }
}

function open(driver: SqliteDriver): Replica {
  return openReplica({ driver, store: 'o/s', deviceId: DEVICE, now: () => 1 })
}

function casFor(replica: Replica, { draft: { op, path, value }, cas }: Extract<Step, { kind: 'write' }>) {
  const single = op === 'delete' || (op === 'set' && (typeof value !== 'object' || Array.isArray(value)))
  const entry = replica.entry(path)
  return cas && single && entry && entry.type !== 'map' ? { ifMatch: entry.revision } : {}
}

function failInTransaction(replica: Replica, opId: string): void {
  expect(() =>
    replica.transaction(() => {
      replica.write({ op: 'set', path: 'a', value: { b: 'never seen' }, opId })
      throw new Error('expected')
    }),
  ).toThrow('expected')
  expect(replica.verdict(opId)).toBeUndefined()
}

const rows = (driver: SqliteDriver): Entry[] =>
  driver.all('select path, value, type, seq from entries order by path').map(([at, text, type, seq]) => ({
    path: at as string,
    value: JSON.parse(text as string) as JsonValue,
    type: type as EntryType,
    seq: seq as number,
  }))

/** I1: the confirmed rows are the fold of the server's log up to the cursor. */
function expectConfirmedIsFold({ world, driver, replica }: Run): void {
  const fold = createModelStore()
  for (const event of world.server.log) if (event.seq <= replica().sync.cursor()) fold.replay(event)
  expect(rows(driver)).toEqual(fold.entries())
}

/** I2: what a reader sees is the outbox folded over the confirmed rows, whatever way it came about. */
function expectVisibleIsFold({ driver, replica }: Run): void {
  const fold = createModelStore(rows(driver))
  for (const pending of replica().sync.outbox(0, 1_000)) {
    const { op, path, value, client_op_id: opId } = pending.payload
    fold.apply({ op: op as LocalOp['op'], path, value: value ?? null, opId })
  }
  const visible = replica().enum(parsePattern('**')).items as EntryData[]
  expect(visible.map(({ path, value }) => ({ path, value }))).toEqual(
    fold.entries().map(({ path, value }) => ({ path, value })),
  )
  for (const at of ['a', 'b', 'a/b', 'a/b/c']) expect(replica().get(at)).toEqual(fold.read(at))
}

type Run = ReturnType<typeof createRun>

describe('replica invariants over random interleavings', () => {
  it('I1, I2, I6: confirmed is the fold of the log, visible is the outbox folded over it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const run = createRun()
        for (const action of steps) {
          run.perform(action)
          expectConfirmedIsFold(run)
          expectVisibleIsFold(run)
        }
        run.driver.close()
      }),
      { numRuns: 300 },
    )
  })

  it('I3: ops reach the server in issue order, take effect once, and none is left behind', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const run = createRun()
        for (const action of steps) run.perform(action)
        run.settle()
        expect(run.replica().pending().count).toBe(0)
        expect(run.world.arrived).toEqual(run.issued)
        const effects = run.world.server.log
          .filter(({ opId }) => opId.startsWith('own-'))
          .map(({ opId }) => opId)
        expect(new Set(effects).size).toBe(effects.length)
        for (const opId of run.issued) {
          expect(run.replica().verdict(opId)?.state).toBe(effects.includes(opId) ? 'committed' : 'rejected')
        }
        expectConfirmedIsFold(run)
        expectVisibleIsFold(run)
        run.driver.close()
      }),
      { numRuns: 300 },
    )
  })
})

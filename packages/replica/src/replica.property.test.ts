import {
  DustError,
  type Entry,
  type EntryType,
  type JsonValue,
  type Op,
  parsePattern,
} from '@dustlayer/protocol'
import { createModelStore } from '@dustlayer/protocol/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import type { LocalOp } from './outbox.js'
import { openReplica, type Replica } from './replica.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { createWorld } from './testing/world.js'
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

type Draft = { op: LocalOp['op']; path: string; value: JsonValue }

type Step =
  | { kind: 'write'; draft: Draft; cas: boolean }
  | { kind: 'foreign'; draft: Draft }
  | { kind: 'send'; refuse: boolean }
  | { kind: 'events'; limit: number; again: number }
  | { kind: 'answer' | 'snapshot' | 'reconnect' | 'restart' | 'rollback' | 'retry' }

const kind = <K extends Step['kind']>(name: K) => fc.record({ kind: fc.constant(name) })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), draft, cas: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('foreign' as const), draft }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send' as const), refuse: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('events' as const),
      limit: fc.integer({ min: 1, max: 4 }),
      again: fc.integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 4, arbitrary: kind('answer') },
  { weight: 2, arbitrary: kind('snapshot') },
  { weight: 1, arbitrary: kind('reconnect') },
  { weight: 1, arbitrary: kind('restart') },
  { weight: 1, arbitrary: kind('rollback') },
  { weight: 1, arbitrary: kind('retry') },
)

/** One client, one server, and everything that may happen between them. */
function createRun() {
  const world = createWorld()
  const driver = openBetterSqlite()
  const issued: LocalOp[] = []
  let replica = open(driver)
  let sent = 0
  let ids = 0

  const write = (op: LocalOp): void => {
    try {
      replica.write(op)
      issued.push(op)
    } catch (error) {
      // Refused at the call, so it must never reach the server: arrived would differ from issued.
      expect(error).toBeInstanceOf(DustError)
    }
  }

  const send = (refuse: boolean): void => {
    const next = replica.sync.outbox(sent, 1)[0]
    if (!next || next.waitsFor !== null) return
    sent = next.position
    if (!next.acked) world.push(DEVICE, next.payload, refuse ? { reason: 'limit_exceeded' } : undefined)
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
        break
      case 'foreign':
        world.foreign({ ...action.draft, opId: `foreign-${ids++}` } satisfies Op)
        break
      case 'send':
        send(action.refuse)
        break
      case 'answer':
        world.deliverAnswer(replica.sync)
        break
      case 'events':
        world.deliverEvents(replica.sync, action.limit, action.again)
        break
      case 'snapshot':
        world.deliverSnapshot(replica.sync)
        break
      case 'reconnect':
        reconnect()
        break
      case 'restart':
        replica = open(driver)
        reconnect()
        break
      case 'rollback':
        failInTransaction(replica, `own-${ids++}`)
        break
      case 'retry':
        // A call whose answer was lost with a leader is made again, whatever has become of the op.
        for (const op of issued.slice(-3)) replica.write(op)
    }
  }

  const settle = (): void => {
    for (let idle = 0; replica.pending().count > 0 && idle < 1_000; idle++) {
      send(false)
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
      { numRuns: 1_000 },
    )
  })

  it('I3: ops reach the server in issue order, take effect once, and none is left behind', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const run = createRun()
        for (const action of steps) run.perform(action)
        run.settle()
        expect(run.replica().pending().count).toBe(0)
        expect(run.world.arrived).toEqual(run.issued.map(({ opId }) => opId))
        const effects = run.world.server.log
          .filter(({ opId }) => opId.startsWith('own-'))
          .map(({ opId }) => opId)
        expect(new Set(effects).size).toBe(effects.length)
        for (const { opId } of run.issued) {
          expect(run.replica().verdict(opId)?.state).toBe(effects.includes(opId) ? 'committed' : 'rejected')
        }
        expectConfirmedIsFold(run)
        expectVisibleIsFold(run)
        run.driver.close()
      }),
      { numRuns: 1_000 },
    )
  })
})

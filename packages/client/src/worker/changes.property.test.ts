import {
  extglob,
  type JsonValue,
  type PatternInput,
  parsePath,
  parsePattern,
  toJsonValue,
  type Value,
} from '@dustlayer/protocol'
import {
  type EntryData,
  type FoldState,
  foldEvent,
  type DustEvent as ReplicaEvent,
  wantsEvent,
} from '@dustlayer/replica'
import { createRun, type Draft, type Run, type Step } from '@dustlayer/replica/testing'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Entry } from '../operations/read.js'
import type { DustEvent, WatchEvent } from '../page/events.js'
import type { LiveResult } from '../page/live.js'
import { reviveEntry } from '../page/revive.js'
import { type ChangeWorld, createChangeWorld } from '../test-support/change-world.js'

// Every run counts, also on a machine that has much else to do.
vi.setConfig({ testTimeout: 180_000 })

const STORE = 'o/s'

const path = fc.constantFrom('a', 'b', 'a/b', 'a/c', 'a/b/c', 'a-b', 'a/b/d')
const leaf = fc.constantFrom<JsonValue>(0, 1, 'x', null, [1, 2], { _type: 'decimal', _typed: '1.50' })
const map = fc.dictionary(
  fc.constantFrom('b', 'c', 'd'),
  fc.oneof(leaf, fc.constant({ c: 1, d: { e: 2 } })),
  { maxKeys: 3 },
)
const draft: fc.Arbitrary<Draft> = fc.oneof(
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
const kind = <K extends Step['kind']>(name: K) => fc.record({ kind: fc.constant(name) })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), draft }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      drafts: fc.array(draft, { minLength: 1, maxLength: 3 }),
      separate: fc.boolean(),
    }),
  },
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
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('stage' as const),
      size: fc.integer({ min: 1, max: 4 }),
      fromLog: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: kind('answer') },
  { weight: 1, arbitrary: kind('snapshot') },
  { weight: 1, arbitrary: kind('rollback') },
  { weight: 1, arbitrary: kind('retryRefused') },
  { weight: 2, arbitrary: kind('restart') },
)

const pattern: fc.Arbitrary<PatternInput> = fc.constantFrom<PatternInput>(
  'a',
  'a/b',
  '*',
  'a/*',
  '*/b',
  'a/b/*',
  '**',
  'a/**',
  extglob('{a,b}'),
  extglob('a/!(c)'),
  extglob('!a/**'),
)
type Delivery = ChangeWorld['delivery']
const action = fc.oneof(
  { weight: 30, arbitrary: step.map((performed) => ({ performed })) },
  { weight: 2, arbitrary: pattern.map((added) => ({ added })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<Delivery>('at once', 'held', 'lost', 'foretold')
      .map((delivery) => ({ delivery })),
  },
)

function setUp(): { world: ChangeWorld; run: Run } {
  const world = createChangeWorld()
  const run = createRun({ batches: true, opened: world.lead })
  return { world, run }
}

/** What a listener to a live query has been told, and what it must have been told. */
function listen(world: ChangeWorld, asked: PatternInput) {
  let last: LiveResult<unknown> | undefined
  let before: readonly Entry<unknown>[] = []
  const off = world.live.live({
    store: STORE,
    pattern: asked,
    order: 'asc',
    signal: undefined,
    stale: false,
    callback(result) {
      expectMinimal(before, result)
      before = result.nodes
      last = result
    },
  })
  return {
    off,
    check(run: Run): void {
      const listed = run.replica().enum(parsePattern(asked)).items as readonly EntryData[]
      expect(last?.nodes).toEqual(listed.map(reviveEntry))
    },
  }
}

/** Nothing is told twice, what stays is the same object, and what changed is another. */
function expectMinimal(
  before: readonly Entry<unknown>[],
  { nodes, changed, removed }: LiveResult<unknown>,
): void {
  const known = new Map(before.map((node) => [node.path, node]))
  for (const node of changed) expect(node).not.toEqual(known.get(node.path))
  const untouched = nodes.filter((node) => !changed.includes(node))
  for (const node of untouched) expect(node).toBe(known.get(node.path))
  const paths = new Set(nodes.map((node) => node.path))
  expect(removed).toEqual(before.map((node) => node.path).filter((path) => !paths.has(path)))
}

test('live: the result is what a fresh enum gives, changes are minimal, and objects stay', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(pattern, { minLength: 1, maxLength: 4 }),
      fc.array(action, { maxLength: 50 }),
      async (patterns, actions) => {
        const { world, run } = setUp()
        let listeners = patterns.map((asked) => listen(world, asked))
        for (const one of actions) {
          if ('performed' in one) run.perform(one.performed)
          else if ('delivery' in one) deliverFromNow(world, one.delivery)
          else {
            listeners.shift()?.off()
            listeners = [...listeners, listen(world, one.added)]
          }
          // Calls are made in microtasks.
          await Promise.resolve()
          world.flush()
          if (world.delivery === 'at once') for (const listener of listeners) listener.check(run)
        }
        run.perform({ kind: 'restart' })
        world.flush()
        for (const listener of listeners) listener.check(run)
        expect(world.reported).toEqual([])
        run.driver.close()
      },
    ),
    { numRuns: 300 },
  )
})

/** What is lost stays lost until the next leader. */
function deliverFromNow(world: ChangeWorld, delivery: Delivery): void {
  if (world.delivery === 'lost' || world.delivery === 'foretold') return
  if (delivery === 'foretold') {
    // What is on its way arrives first.
    world.delivery = 'at once'
    world.flush()
  }
  world.delivery = delivery
}

test.each(['all', 'committed'] as const)(
  'J04 J05 watch: folding what is told gives the leaves that match, also when a leader dies (mode %s)',
  (mode) => {
    fc.assert(
      fc.property(pattern, fc.array(action, { maxLength: 50 }), (asked, actions) => {
        const { world, run } = setUp()
        const parsed = parsePattern(asked)
        let told: FoldState = new Map()
        const onEvent = (event: WatchEvent): void => {
          told = foldWatch(told, event, parsed)
        }
        world.subscribers.subscribe({
          store: STORE,
          pattern: asked,
          mode,
          signal: undefined,
          onChange: onEvent,
          onPresent: onEvent,
        })
        const check = (): void => {
          const all = parsePattern('**')
          const { items } = mode === 'all' ? run.replica().enum(all) : run.replica().enumConfirmed(all)
          const leaves = (items as readonly EntryData[]).filter((entry) =>
            parsed.matches(parsePath(entry.path)),
          )
          const expected = new Map(leaves.map((entry) => [entry.path, entry.value]))
          expect(new Map(Array.from(told, ([at, { value }]) => [at, value]))).toEqual(expected)
        }
        for (const one of actions) {
          if ('performed' in one) run.perform(one.performed)
          else if ('delivery' in one) deliverFromNow(world, one.delivery)
          world.flush()
          if (world.delivery === 'at once') check()
        }
        run.perform({ kind: 'restart' })
        world.flush()
        check()
        expect(world.reported).toEqual([])
        run.driver.close()
      }),
      { numRuns: 300 },
    )
  },
)

test.each(['all', 'committed'] as const)(
  'J04 J05 on: each event once and in order, also when leaders die between a commit and its message (mode %s)',
  (mode) => {
    const taken = fc.tuple(step, fc.boolean()).map(([performed, dies]) => ({
      performed,
      // What a new leader does first arrives.
      dies: dies && performed.kind !== 'restart',
    }))
    fc.assert(
      fc.property(pattern, fc.array(taken, { maxLength: 50 }), (asked, steps) => {
        const parsed = parsePattern(asked)
        const happened: ReplicaEvent[] = []
        const wanted = (event: ReplicaEvent): boolean =>
          parsed.matches(parsePath(event.path)) && wantsEvent(mode, event, parsed)
        const world = createChangeWorld()
        const run = createRun({
          batches: true,
          opened(replica) {
            replica.onEvents((events) => {
              happened.push(...events.filter(wanted))
            })
            world.lead(replica)
          },
        })
        const told: unknown[] = []
        const ended: unknown[] = []
        const listening = { store: STORE, pattern: asked, mode, signal: undefined }
        const onChange = ({ path, op, storeSeq, clientOpId, cause }: DustEvent): void =>
          void told.push([path, op, storeSeq, clientOpId, cause?.path])
        world.subscribers.subscribe({ ...listening, onChange, onResync: (error) => ended.push(error) })
        world.flush()
        for (const { performed, dies } of steps) {
          deliverFromNow(world, dies ? 'foretold' : 'at once')
          run.perform(performed)
          if (dies) run.perform({ kind: 'restart' })
          world.flush()
        }
        expect(told).toEqual(
          happened.map(({ path, op, storeSeq, clientOpId, cause }) => [
            path,
            op,
            storeSeq,
            clientOpId,
            cause?.path,
          ]),
        )
        expect(ended).toEqual([])
        expect(world.reported).toEqual([])
        run.driver.close()
      }),
      { numRuns: 300 },
    )
  },
)

function foldWatch(told: FoldState, event: WatchEvent, parsed: ReturnType<typeof parsePattern>): FoldState {
  if (event.type === 'change') {
    const { type: _, error, ...rest } = event
    // Of an error, only that there is one counts.
    const failed = error ? { error: { name: error.name, code: error.code, message: '', fields: {} } } : {}
    const raw: ReplicaEvent = { ...rest, value: plain(event.value), ...failed }
    return foldEvent(told, raw, parsed)
  }
  if (event.entryType === 'map') return told
  return new Map(told).set(event.path, { value: plain(event.value), type: event.entryType })
}

/** The stored form of the values in this test. */
function plain(value: Value): JsonValue {
  if (value instanceof Set) return [...value].map(plain)
  if (Array.isArray(value)) return value.map(plain)
  if (Object.getPrototypeOf(value ?? 0) !== Object.prototype) return toJsonValue(value)
  return Object.fromEntries(
    Object.entries(value as { [key: string]: Value }).map(([key, inner]) => [key, plain(inner)]),
  )
}

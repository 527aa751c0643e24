import type { JsonValue } from '@dustlayer/protocol'
import fc from 'fast-check'
import type { Draft, Step } from './run.js'

const path = fc.constantFrom('a', 'b', 'a/b', 'a/c', 'a/b/c', 'a-b', 'a/b/d')
const leaf: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(0, 1, 'x', null, true, [1, 2], ['m'])
const map: fc.Arbitrary<JsonValue> = fc.dictionary(
  fc.constantFrom('b', 'c', 'd'),
  fc.oneof(leaf, fc.constant({ c: 1, d: { e: 2 } })),
  {
    maxKeys: 3,
  },
)
const target = fc.oneof(
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

const oneIn = (chances: number) =>
  fc.integer({ min: 1, max: chances }).map((drawn) => drawn === chances && chances > 1)

function draft({ fences }: { fences: boolean }): fc.Arbitrary<Draft> {
  return fc
    .tuple(target, fc.boolean(), fences ? oneIn(6) : fc.constant(false))
    .map(([drawn, cas, fence]) => ({ ...drawn, cas, fence }))
}

const kind = <K extends Step['kind']>(name: K) => fc.record({ kind: fc.constant(name) })

/** As when somebody types. */
const rewrite = fc.record({
  kind: fc.constant('write' as const),
  draft: fc.record({ op: fc.constant('set' as const), path: fc.constant('a/b'), value: fc.oneof(leaf, map) }),
})

/** What a client does and what its connection does; nobody else writes, and nothing is refused without a reason. */
function ownSteps(drafts: fc.Arbitrary<Draft>, refuse: fc.Arbitrary<boolean>) {
  return [
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('write' as const), draft: drafts }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('batch' as const),
        drafts: fc.array(drafts, { minLength: 1, maxLength: 4 }),
        separate: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: rewrite },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), refuse }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('events' as const),
        limit: fc.integer({ min: 1, max: 4 }),
        again: fc.integer({ min: 0, max: 2 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('stage' as const),
        size: fc.integer({ min: 1, max: 4 }),
        fromLog: oneIn(3),
      }),
    },
    { weight: 4, arbitrary: kind('answer') },
    { weight: 2, arbitrary: kind('snapshot') },
    { weight: 1, arbitrary: kind('reconnect') },
    { weight: 1, arbitrary: kind('restart') },
    { weight: 1, arbitrary: kind('rollback') },
    { weight: 1, arbitrary: kind('repeat') },
  ]
}

const DRAFTS = draft({ fences: true })

/** Anything, with everybody writing and the server refusing what it likes. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  ...ownSteps(DRAFTS, oneIn(3)),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('foreign' as const), draft: DRAFTS }) },
  { weight: 1, arbitrary: kind('lease') },
  { weight: 1, arbitrary: kind('retryRefused') },
  { weight: 1, arbitrary: kind('dropRefused') },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('restore' as const), ops: fc.integer({ min: 0, max: 4 }) }),
  },
)

/** What happens where only this client writes. */
export const loneStep: fc.Arbitrary<Step> = fc.oneof(
  ...ownSteps(draft({ fences: false }), fc.constant(false)),
)

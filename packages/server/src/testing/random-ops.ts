import type { JsonValue, Op } from '@dustlayer/protocol'
import fc from 'fast-check'

// Few names and little depth, so that ops hit each other's subtrees, prefixes and maps.
const PATH = fc
  .array(fc.constantFrom('a', 'b', 'A', 'a0', '~1'), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join('/'))

const LEAF: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom<JsonValue>('x', '', null, true, 1.5, ['l', { m: 1 }]),
  fc.constant<JsonValue>({ _type: 'decimal', value: '1.50' }),
)
const MAP: fc.Arbitrary<JsonValue> = fc.dictionary(
  fc.constantFrom('a', 'b', 'c'),
  fc.oneof(LEAF, fc.dictionary(fc.constantFrom('a', 'd'), LEAF, { maxKeys: 2 })),
  { maxKeys: 3 },
)

/** Random ops of all kinds on colliding paths; many are refused. Each needs its op id added. */
export const RANDOM_OP: fc.Arbitrary<Omit<Op, 'opId'>> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('set' as const), path: PATH, value: fc.oneof(LEAF, MAP) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('merge' as const), path: PATH, value: MAP }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('delete' as const), path: PATH, value: fc.constant(null) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('increment' as const),
      path: PATH,
      value: fc.integer({ min: -3, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom('add' as const, 'remove' as const),
      path: PATH,
      value: fc.constantFrom<JsonValue>('m', 'n', 1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom('lease' as const, 'release' as const),
      path: PATH,
      value: fc.constant(null),
      ttlMs: fc.constant(1_000),
      holder: fc.constant('h'),
      token: fc.constantFrom(1, 2, 3),
    }),
  },
)

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openForTest } from './testing/open-for-test.js'

const paths = ['a', 'a/b', 'a/b/c', 'a/d', 'a.b', 'm', 'm/x', 'm/y', 'z/\u{1f600}', 'z/ö']

const change = fc.record({
  op: fc.constantFrom('set', 'set', 'merge', 'delete', 'increment', 'write', 'snapshot') as fc.Arbitrary<
    'set' | 'merge' | 'delete' | 'increment' | 'write' | 'snapshot'
  >,
  path: fc.constantFrom(...paths),
  value: fc.constantFrom<never>(...([1, { x: 1, y: { z: 2 } }, {}, 'text'] as never[])),
})

it('an export in steps is the state of its last moment, whatever changes in between', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (turns) => {
      const { replica, event } = openForTest()
      replica.sync.applySnapshot(
        1,
        // More than one chunk, so that there is something to change between the first and the last.
        Array.from({ length: 1_200 }, (_, i) => ({
          path: `p${i % 50}/${i}`,
          value: i,
          type: 'integer' as const,
        })),
      )
      let ops = 0
      const perform = ({ op, path, value }: (typeof turns)[number][number]): void => {
        ops += 1
        const at = ops % 3 === 0 ? `p${ops % 50}` : path
        if (op === 'write') replica.write({ op: 'set', path: at, value, opId: `op_${ops}` })
        else if (op === 'increment') event(op, `${at}/n`, 1)
        else if (op === 'snapshot')
          replica.sync.applySnapshot(replica.sync.cursor() + 1, [{ path, value: ops, type: 'integer' }])
        else if (op === 'merge') event(op, at, { m: value, [`k${ops}`]: ops })
        else event(op, at, op === 'delete' ? null : value)
      }
      const steps = replica.exportSteps()
      const waiting = [...turns]
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done) {
          expect(step.value).toEqual(replica.export())
          return
        }
        for (const one of waiting.shift() ?? []) perform(one)
      }
    }),
    { numRuns: 25 },
  )
})

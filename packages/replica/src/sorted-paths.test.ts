import { compareUtf8, isAncestor } from '@dustlayer/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSortedPaths } from './sorted-paths.js'

const path = fc
  .array(fc.constantFrom('a', 'a-', 'a!', '\0', '\uffff', '😀', 'b'), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join('/'))

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('add' as const), path }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'removeBelow' as const), path }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'look' as const, path: '' }) },
)

it('paths that come and go stay in byte order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const paths = createSortedPaths()
      const model = new Set<string>()
      for (const { kind, path } of [...steps, { kind: 'look' as const, path: '' }]) {
        if (kind === 'look') expect(paths.all()).toEqual([...model].sort(compareUtf8))
        else if (kind === 'add' && !model.has(path)) {
          paths.add(path)
          model.add(path)
        } else if (kind === 'remove') {
          paths.remove(path)
          model.delete(path)
        } else if (kind === 'removeBelow') {
          paths.removeBelow(path)
          for (const other of model) if (isAncestor(path, other)) model.delete(other)
        }
      }
    }),
  )
})

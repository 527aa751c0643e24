import { compareUtf8 } from '@dustlayer/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changesBetween, withChanges } from './live-result.js'

interface Node {
  readonly path: string
  readonly version: number
}

const paths = fc.uniqueArray(fc.integer({ min: 0, max: 120 }), { maxLength: 90 })
const nodes = (of: readonly number[], version: number): Node[] =>
  of.map((n) => ({ path: `k/${n}`, version })).sort((a, b) => compareUtf8(a.path, b.path))

test('changes of any number give the sorted result, with the objects of what stays', () => {
  fc.assert(
    fc.property(paths, paths, paths, (before, put, gone) => {
      const sorted = nodes(before, 1)
      const coming = nodes(put, 2)
      const removed = gone.filter((n) => !put.includes(n)).map((n) => `k/${n}`)
      const expected = new Map([...sorted, ...coming].map((node) => [node.path, node]))
      for (const path of removed) expected.delete(path)
      const result = withChanges(sorted, coming, removed)
      expect(result).toEqual([...expected.values()].sort((a, b) => compareUtf8(a.path, b.path)))
      for (const node of result) expect(node).toBe(expected.get(node.path))
    }),
  )
})

test('the changes between two results lead from one to the other', () => {
  fc.assert(
    fc.property(paths, paths, paths, (before, put, gone) => {
      const sorted = nodes(before, 1)
      const result = withChanges(
        sorted,
        nodes(put, 2),
        gone.map((n) => `k/${n}`),
      )
      const { changed, removed } = changesBetween(sorted, result)
      expect(withChanges(sorted, changed, removed)).toEqual(result)
      for (const node of changed) expect(sorted).not.toContain(node)
    }),
  )
})

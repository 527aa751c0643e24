import { compareUtf8, parsePath, parsePattern, renderPath } from '@dustlayer/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ListOptions } from './listing.js'
import { openReplica, type Replica } from './replica.js'
import { openBetterSqlite } from './testing/better-sqlite.js'

const segment = fc.constantFrom('a', 'a-b', 'a-b-c', 'a.b', 'a b', 'a0', 'aa', '~1', '-', 'é')
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'))
const pattern = fc.constantFrom('*', '*/*', 'a/*', 'a-b/*', '*/a', 'a/*/a', 'a', 'a/a-b')

function replicaWith(paths: Iterable<string>): Replica {
  const replica = openReplica({ driver: openBetterSqlite(), store: 'o/s', deviceId: 'd', now: () => 1 })
  replica.sync.applySnapshot(
    1,
    [...new Set(paths)].map((at) => ({ path: at, value: at, type: 'string' as const })),
  )
  return replica
}

/** The definition, by brute force. */
function nodes(paths: readonly string[], text: string, { after, order, limit = 50 }: ListOptions): string[] {
  const { depth, matches } = parsePattern(text)
  const cut = paths.map(parsePath).filter(({ length }) => length >= (depth ?? 0))
  const all = new Set(
    cut
      .map((segments) => segments.slice(0, depth))
      .filter(matches)
      .map(renderPath),
  )
  const sign = order === 'desc' ? -1 : 1
  return [...all]
    .sort((a, b) => sign * compareUtf8(a, b))
    .filter((at) => after === undefined || sign * compareUtf8(at, after) > 0)
    .slice(0, limit)
}

describe('nodes of a depth', () => {
  const options = fc.record(
    {
      order: fc.constantFrom('asc' as const, 'desc' as const),
      limit: fc.integer({ min: 1, max: 5 }),
      after: fc.oneof(path, fc.constantFrom('a/', 'zz')),
    },
    { requiredKeys: ['order', 'limit'] },
  )

  it('list and page as their definition says, whatever lies below and beside them', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 30 }), pattern, options, (paths, text, opts) => {
        const page = replicaWith(paths).enum(parsePattern(text), { ...opts, select: 'keys' })
        expect(page.items).toEqual(nodes(paths, text, opts))
        const further = nodes(paths, text, { ...opts, limit: Number.POSITIVE_INFINITY })
        expect(page.nextCursor).toBe(further.length > opts.limit ? (page.items.at(-1) ?? null) : null)
      }),
      { numRuns: 1_000 },
    )
  })

  it('skips what lies below a large node', () => {
    const large = Array.from({ length: 300 }, (_, i) => `big/${i}`)
    const replica = replicaWith(['a', ...large, 'big-2/x', 'c'])
    for (const order of ['asc', 'desc'] as const) {
      const keys = ['a', 'big', 'big-2', 'c']
      expect(replica.enum(parsePattern('*'), { select: 'keys', order, limit: 9 }).items).toEqual(
        order === 'asc' ? keys : keys.reverse(),
      )
    }
    expect(replica.entry('big')).toMatchObject({ type: 'map' })
  })
})

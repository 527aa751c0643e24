import { readFileSync } from 'node:fs'
import {
  compareUtf8,
  extglob,
  type JsonValue,
  parseJson,
  parsePath,
  parsePattern,
  type StoreEventPayload,
} from '@dustlayer/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ListOptions, PageData } from './listing.js'
import { openReplica, type Replica } from './replica.js'
import { openBetterSqlite } from './testing/better-sqlite.js'
import type { EntryData } from './visible.js'

interface Vectors {
  datasets: { [name: string]: { path: string; value: JsonValue; seq: number }[] }
  cases: Case[]
}
interface Case {
  id: string
  dataset: string
  kind: 'enum' | 'range' | 'get_many'
  pattern?: string
  from?: string
  to?: string
  paths?: string[]
  opts?: ListOptions
  expect: {
    page?: { items: (string | { path: string })[]; next_cursor: string | null }
    error?: string
    entries?: { [path: string]: { value: JsonValue } }
    missing?: string[]
  }
}

// The vectors are ours and of this shape.
const vectors = parseJson(
  readFileSync(new URL('../../protocol/vectors/dust-enum-range.json', import.meta.url), 'utf8'),
) as unknown as Vectors

function replicaWith(leaves: readonly { path: string; value: JsonValue }[], confirmed = true): Replica {
  const replica = openReplica({ driver: openBetterSqlite(), store: 'o/s', deviceId: 'd', now: () => 1 })
  if (confirmed) {
    replica.sync.applyEvents(
      leaves.map((leaf, i) => setEvent(i + 1, leaf.path, leaf.value)),
      { catchUp: true },
    )
  } else {
    for (const { path, value } of leaves) replica.write({ op: 'set', path, value, opId: `op-${path}` })
  }
  return replica
}

function setEvent(seq: number, path: string, value: JsonValue): StoreEventPayload {
  return {
    store_seq: seq,
    op: 'set',
    path,
    path_segments: [...parsePath(path)],
    value,
    device_id: 'x',
    client_op_id: `x${seq}`,
  }
}

function runCase(replica: Replica, test: Case): PageData {
  const options: ListOptions = { ...test.opts, leaves: true, limit: test.opts?.limit ?? 50 }
  if (test.kind === 'enum') return replica.enum(parsePattern(test.pattern), options)
  for (const bound of [test.from, test.to]) parsePath(bound)
  return replica.range(test.from ?? '', test.to ?? '', options)
}

const bare = (item: EntryData | string) =>
  typeof item === 'string'
    ? item
    : { path: item.path, value: item.value, type: item.type, revision: item.revision }

describe('H01 dust-enum-range: leaves of the confirmed state', () => {
  const replicas = new Map(
    Object.entries(vectors.datasets).map(([name, leaves]) => [name, replicaWith(leaves)]),
  )

  it.each(vectors.cases)('$id', (test) => {
    const replica = replicas.get(test.dataset) as Replica
    if (test.kind === 'get_many') {
      const found = replica.getMany(test.paths ?? [], { leaves: true })
      expect(found).toEqual(
        Object.fromEntries(
          Object.entries(test.expect.entries ?? {}).map(([path, { value }]) => [path, value]),
        ),
      )
      expect(test.paths?.filter((path) => !(path in found))).toEqual(test.expect.missing)
    } else if (test.expect.error) {
      expect(() => runCase(replica, test)).toThrow(expect.objectContaining({ code: test.expect.error }))
    } else {
      const page = runCase(replica, test)
      expect(page.items.map(bare)).toEqual(test.expect.page?.items)
      expect(page.nextCursor).toBe(test.expect.page?.next_cursor)
    }
  })
})

describe('enum of nodes', () => {
  it('gives maps assembled from their leaves, beside leaves of that depth', () => {
    const replica = replicaWith([
      { path: 'users/alice', value: { name: 'Alice', role: 'admin' } },
      { path: 'users/bob', value: 'just a leaf' },
      { path: 'other', value: 1 },
    ])
    expect(replica.enum(parsePattern('users/*')).items).toMatchObject([
      {
        path: 'users/alice',
        value: { name: 'Alice', role: 'admin' },
        type: 'map',
        revision: 1,
        syncedAt: null,
      },
      { path: 'users/bob', value: 'just a leaf', type: 'string', revision: 2 },
    ])
    expect(replica.enum(parsePattern('users/alice')).items).toMatchObject([
      { path: 'users/alice', type: 'map' },
    ])
    expect(replica.enum(parsePattern('users/**'), { select: 'keys' }).items).toEqual([
      'users/alice/name',
      'users/alice/role',
      'users/bob',
    ])
  })

  it('orders nodes by their own paths, although `a-b` lies between `a` and `a/x`', () => {
    const replica = replicaWith(['a/x', 'a-b', 'a.b/y', 'b', 'a0/z'].map((path) => ({ path, value: 1 })))
    const keys = (options: ListOptions) => replica.enum(parsePattern('*'), { select: 'keys', ...options })
    expect(keys({}).items).toEqual(['a', 'a-b', 'a.b', 'a0', 'b'])
    expect(keys({ limit: 2 })).toEqual({ items: ['a', 'a-b'], nextCursor: 'a-b' })
    expect(keys({ limit: 2, after: 'a-b' })).toEqual({ items: ['a.b', 'a0'], nextCursor: 'a0' })
    expect(keys({ limit: 2, after: 'a0', order: 'desc' })).toEqual({
      items: ['a.b', 'a-b'],
      nextCursor: 'a-b',
    })
  })
})

describe('enum of extended patterns', () => {
  const replica = replicaWith(
    ['a', 'a/b', 'posts/draft-1/title', 'posts/live-2/title', 'posts/old/title', 'posts/live-3'].map(
      (path) => ({
        path,
        value: 1,
      }),
    ),
  )
  const keys = (text: string) => replica.enum(parsePattern(extglob(text)), { select: 'keys' }).items

  it('lists nodes where the depth is fixed, and the path itself where ** may be nothing', () => {
    expect(keys('posts/{draft,live}-*/title')).toEqual(['posts/draft-1/title', 'posts/live-2/title'])
    expect(keys('posts/@(draft|live)-*')).toEqual(['posts/draft-1', 'posts/live-2', 'posts/live-3'])
    expect(keys('a/**')).toEqual(['a', 'a/b'])
    expect(keys('!posts/**')).toEqual(['a', 'a/b'])
  })
})

describe('paging', () => {
  const many = Array.from({ length: 2_500 }, (_, i) => ({
    path: `k/${String(i).padStart(4, '0')}`,
    value: i,
  }))

  it.each(['asc', 'desc'] as const)('H06 pages through 2,500 keys, each once, %s', (order) => {
    const replica = replicaWith(many)
    const seen: unknown[] = []
    let after: string | null | undefined
    let pages = 0
    do {
      const page = replica.enum(parsePattern('k/*'), {
        limit: 100,
        order,
        select: 'keys',
        ...(after ? { after } : {}),
      })
      seen.push(...page.items)
      after = page.nextCursor
      pages += 1
    } while (after !== null)
    const keys = many.map(({ path }) => path)
    expect(seen).toEqual(order === 'asc' ? keys : keys.reverse())
    expect(pages).toBe(25)
  })

  it('H05 clamps limits, and is complete without limit and cursor', () => {
    const replica = replicaWith(many)
    const count = (options: ListOptions) => replica.enum(parsePattern('k/*'), options).items.length
    expect([count({ limit: 0 }), count({ limit: -1 }), count({ limit: 5_000 })]).toEqual([1, 1, 1_000])
    expect([count({}), count({ after: 'k/0099' })]).toEqual([2_500, 50])
  })

  it('H09 gives an empty page for an inverted range', () => {
    expect(replicaWith(many).range('k/1', 'k/0')).toEqual({ items: [], nextCursor: null })
  })
})

describe('pending and confirmed leaves list alike', () => {
  const leaf = fc.record({
    path: fc
      .array(fc.constantFrom('a', 'b', 'a-b', 'é', '😀', '￿', '~1', '*'), { minLength: 1, maxLength: 3 })
      .map((segments) => segments.join('/')),
    value: fc.integer(),
  })
  const options = fc.record(
    {
      order: fc.constantFrom('asc' as const, 'desc' as const),
      limit: fc.integer({ min: 1, max: 5 }),
      after: fc.constantFrom('a', 'a/b', 'é', 'zz'),
    },
    { requiredKeys: ['order'] },
  )

  it('D13 whatever is pending, confirmed or both, in UTF-8 byte order', () => {
    fc.assert(
      fc.property(
        fc.array(leaf, { maxLength: 25 }),
        fc.array(leaf, { maxLength: 25 }),
        fc.constantFrom('**', '*', 'a/**', 'a/*', '*/b', 'a/b'),
        options,
        (before, pending, pattern, opts) => {
          const all = replicaWith([...before, ...pending])
          const mixed = replicaWith(before)
          for (const [i, { path, value }] of pending.entries()) {
            mixed.write({ op: 'set', path, value, opId: `op-${i}` })
          }
          const list = (replica: Replica) => {
            const { items, nextCursor } = replica.enum(parsePattern(pattern), opts)
            return {
              items: (items as EntryData[]).map(({ path, value, type }) => ({ path, value, type })),
              nextCursor,
            }
          }
          const listed = list(mixed)
          expect(listed).toEqual(list(all))
          const sign = opts.order === 'desc' ? -1 : 1
          const paths = listed.items.map(({ path }) => path)
          expect(paths).toEqual([...paths].sort((p, q) => sign * compareUtf8(p, q)))
        },
      ),
      { numRuns: 200 },
    )
  })
})

import {
  createPatternIndex,
  type JsonValue,
  parsePath,
  parsePattern,
  RejectedError,
  type StoreEventPayload,
} from '@dustlayer/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { MOST_EVENTS } from './change-feed.js'
import type { DustEvent } from './events.js'
import { type FoldState, foldEvent } from './fold-event.js'
import { type EventMode, interestOf, wantsEvent } from './interest.js'
import type { LocalOp } from './local-op.js'
import { openReplica, type Replica } from './replica.js'
import { openBetterSqlite } from './testing/better-sqlite.js'

const DEVICE = 'me'

interface Follower {
  readonly pattern: ReturnType<typeof parsePattern>
  readonly mode: EventMode
  readonly told: DustEvent[]
}

const index = createPatternIndex<Follower>()
let replica: Replica
/** What the replica told, whoever wanted it. */
let emitted: DustEvent[]
let incomplete: boolean
let unsubscribe: (() => void)[] = []

beforeEach(() => {
  for (const off of unsubscribe) off()
  unsubscribe = []
  emitted = []
  incomplete = false
  replica = openReplica({
    driver: openBetterSqlite(),
    store: 'o/s',
    deviceId: DEVICE,
    now: () => 1,
    interest: interestOf(index, ({ pattern }) => pattern),
  })
  replica.onEvents((events, flush) => {
    emitted.push(...events)
    incomplete = flush.incomplete
    for (const event of events) {
      for (const { pattern, mode, told } of index.match(parsePath(event.path))) {
        if (wantsEvent(mode, event, pattern)) told.push(event)
      }
    }
  })
})

function follow(text: string, mode: EventMode = 'all'): DustEvent[] {
  const pattern = parsePattern(text)
  const told: DustEvent[] = []
  unsubscribe.push(index.add(pattern, { pattern, mode, told }))
  return told
}

/** What the events say, without the fields that the case is not about. */
const gist = (events: readonly DustEvent[]) => events.map(({ op, path, value }) => [op, path, value])

const folded = (events: readonly DustEvent[]) =>
  events.reduce<FoldState>((state, event) => foldEvent(state, event), new Map())

let ids = 0
const write = (op: LocalOp['op'], path: string, value: JsonValue, opId = `own-${++ids}`): string => {
  replica.write({ op, path, value, opId })
  return opId
}

type Logged = readonly [op: StoreEventPayload['op'], path: string, value: JsonValue, opId?: string]

/** The next entries of the server's log, in one flush. */
const log = (...ops: Logged[]): void => {
  const from = replica.sync.cursor() + 1
  const events = ops.map(
    ([op, path, value, opId], i): StoreEventPayload => ({
      store_seq: from + i,
      op,
      path,
      path_segments: [...parsePath(path)],
      value,
      device_id: opId ? DEVICE : 'other',
      client_op_id: opId ?? 'theirs',
    }),
  )
  replica.sync.applyEvents(events, { catchUp: false })
}

const refusal = new RejectedError('limit_exceeded', 'o/s: full')

describe('an op', () => {
  it('J01 is told once to `users/*`, at its own path, with the whole map', () => {
    const told = follow('users/*')
    log(['set', 'users/ann', { name: 'Ann', tags: ['x'] }])
    expect(gist(told)).toEqual([['set', 'users/ann', { name: 'Ann', tags: ['x'] }]])
    expect(told[0]).not.toHaveProperty('cause')
  })

  it('J02 is told to `users/*/name` as its consequence there, whoever made it', () => {
    const told = follow('users/*/name')
    log(['set', 'users/ann', { name: 'Ann', age: 40 }])
    write('merge', 'users/ann', { name: 'Anna', age: 41 }, 'o1')
    write('delete', 'users', null, 'o2')
    expect(gist(told)).toEqual([
      ['set', 'users/ann/name', 'Ann'],
      ['set', 'users/ann/name', 'Anna'],
      ['delete', 'users/ann/name', null],
    ])
    expect(told).toMatchObject([
      {
        cause: { op: 'set', path: 'users/ann' },
        committed: true,
        own: false,
        storeSeq: 1,
        entryType: 'string',
      },
      { cause: { op: 'merge', path: 'users/ann', clientOpId: 'o1' }, source: 'local', clientOpId: 'o1' },
      { cause: { op: 'delete', path: 'users', clientOpId: 'o2' }, source: 'local' },
    ])
  })

  it('has no consequence where it changes nothing', () => {
    const told = follow('a/*')
    log(['set', 'a', { x: 1, y: 2 }])
    told.length = 0
    log(['set', 'a', { x: 1, y: 3 }], ['merge', 'a', { x: 1 }], ['set', 'b', 1])
    expect(gist(told)).toEqual([['set', 'a/y', 3]])
  })

  it('tells the nodes between to patterns of one depth, and leaves only to `**`', () => {
    const nodes = follow('org/*')
    const leaves = follow('org/**')
    log(['add', 'org/ann/tags', ['t']])
    log(['set', 'org', { ann: { name: 'Ann', team: { id: 1 } } }])
    log(['delete', 'org', null])
    expect(gist(nodes)).toEqual([
      ['set', 'org/ann', { name: 'Ann', team: { id: 1 } }],
      ['delete', 'org/ann', null],
    ])
    expect(gist(leaves)).toEqual([
      ['add', 'org/ann/tags', ['t']],
      ['set', 'org/ann/name', 'Ann'],
      ['delete', 'org/ann/tags', null],
      ['set', 'org/ann/team/id', 1],
      ['delete', 'org/ann/name', null],
      ['delete', 'org/ann/team/id', null],
    ])
  })

  it('names the sets in a node that it tells', () => {
    const told = follow('org/*')
    log(['add', 'org/ann/tags', ['t']], ['merge', 'org', { ann: { name: 'Ann' } }])
    log(['add', 'org/bob/deep/tags', ['t']], ['set', 'org/bob/name', 'Bob'])
    replica.sync.applySnapshot(9, [
      { path: 'org/bob/deep/tags', value: ['u'], type: 'set', seq: 8 },
      { path: 'org/bob/name', value: 'Bob', type: 'string', seq: 4 },
    ])
    expect(told.at(-1)).toMatchObject({
      path: 'org/bob',
      value: { deep: { tags: ['u'] }, name: 'Bob' },
      sets: ['deep/tags'],
    })
  })

  it('is not told again, as its consequences, to whom it was told itself', () => {
    const told = follow('a/**')
    log(['set', 'a/b', { x: 1, y: 2 }])
    write('delete', 'a/b', null)
    expect(gist(told)).toEqual([
      ['set', 'a/b', { x: 1, y: 2 }],
      ['delete', 'a/b', null],
    ])
    expect(emitted).toHaveLength(2)
  })

  it('costs no event below where nobody is interested', () => {
    follow('elsewhere/**')
    log(['set', 'a', { x: 1 }])
    log(['delete', 'a', null])
    expect(gist(emitted)).toEqual([
      ['set', 'a', { x: 1 }],
      ['delete', 'a', null],
    ])
  })

  it('J11 `release` is told, and its row is gone', () => {
    const lease = { _type: 'lease', holder: 'me', token: 1, expires_at: 9 }
    const told = follow('lock')
    log(['lease', 'lock', lease])
    log(['release', 'lock', null])
    expect(gist(told)).toEqual([
      ['lease', 'lock', lease],
      ['release', 'lock', null],
    ])
    expect(replica.entry('lock')).toBeUndefined()
    expect(folded(told)).toEqual(new Map())
  })

  it('of this device that is not pending here is told like a foreign one: it was never shown', () => {
    const told = follow('**')
    log(['set', 'k', 1, 'issued before the database was lost'])
    expect(told).toMatchObject([{ path: 'k', own: false, deviceId: DEVICE }])
  })
})

describe('J03 modes (spec/semantics.md §9.3)', () => {
  it.each<[EventMode, string[]]>([
    ['all', ['local k', 'foreign k', 'refusal r', 'local r', 'correction r']],
    ['committed', ['own k', 'foreign k']],
    ['optimistic', ['local k', 'refusal r', 'local r', 'correction r']],
  ])('%s', (mode, expected) => {
    const told = follow('**', mode)
    write('set', 'k', 1, 'o1')
    log(['set', 'k', 1, 'o1'], ['set', 'k', 2])
    write('set', 'r', 1, 'o2')
    replica.sync.reject('o2', refusal)
    const kind = ({ correctionFor, error, source, own }: DustEvent): string => {
      if (correctionFor !== undefined) return 'correction'
      if (error) return 'refusal'
      if (source === 'local') return 'local'
      return own ? 'own' : 'foreign'
    }
    expect(told.map((event) => `${kind(event)} ${event.path}`).sort()).toEqual([...expected].sort())
  })

  it('I02 an own op that went as expected is told once in each mode', () => {
    const [all, committed] = [follow('**'), follow('**', 'committed')]
    write('increment', 'n', 2, 'o1')
    replica.sync.ack('o1', 1)
    log(['increment', 'n', 2, 'o1'])
    expect(all).toMatchObject([{ op: 'increment', value: 2, source: 'local' }])
    expect(committed).toMatchObject([
      { op: 'increment', value: 2, storeSeq: 1, own: true, entryType: 'counter' },
    ])
  })
})

describe('a correction', () => {
  it('I22 says what is visible when the server’s result differs from the optimistic one', () => {
    const told = follow('n')
    write('increment', 'n', 1, 'o1')
    log(['increment', 'n', 6, 'o1'])
    expect(told.at(-1)).toMatchObject({
      op: 'set',
      value: 6,
      entryType: 'counter',
      source: 'local',
      committed: false,
      correctionFor: 'o1',
    })
  })

  it('I22 does so for every kind of op', () => {
    const told = follow('**')
    log(['set', 'n', 5])
    write('increment', 'n', 1, 'o1')
    write('set', 'k', '2026-01-01', 'o2')
    told.length = 0
    log(['increment', 'n', 1, 'o1'], ['set', 'k', '2026-01-01T00:00:00Z', 'o2'])
    expect(told).toMatchObject([
      { path: 'k', value: '2026-01-01T00:00:00Z', correctionFor: 'o2' },
      { path: 'n', value: 1, correctionFor: 'o1' },
    ])
  })

  it('I10 restates a pending put after a foreign write beneath it', () => {
    const told = follow('k')
    write('set', 'k', 'mine', 'o1')
    log(['set', 'k', 'theirs'])
    expect(told.slice(1)).toMatchObject([
      { value: 'theirs', committed: true },
      { value: 'mine', correctionFor: 'o1' },
    ])
    log(['set', 'k', 'mine', 'o1'])
    expect(told).toHaveLength(3)
  })

  it('I11 moves a pending increment by a foreign one', () => {
    const told = follow('n')
    log(['increment', 'n', 5])
    write('increment', 'n', 1, 'o1')
    log(['increment', 'n', 8])
    expect(gist(told.slice(2))).toEqual([
      ['increment', 'n', 8],
      ['set', 'n', 9],
    ])
    log(['increment', 'n', 9, 'o1'])
    expect(told).toHaveLength(4)
  })

  it('comes for an op that the confirmed state holds without its echo having been named', () => {
    const told = follow('**')
    write('set', 'k', 'mine', 'o1')
    replica.sync.ack('o1', 1)
    log(['set', 'k', 'changed by the server'], ['set', 'other', 1])
    expect(gist(told.slice(1))).toEqual([
      ['set', 'k', 'changed by the server'],
      ['set', 'other', 1],
    ])
    expect(replica.get('k')).toBe('changed by the server')

    write('set', 'k', 'mine', 'o2')
    replica.sync.ack('o2', 2)
    expect(told.at(-1)).toMatchObject({ path: 'k', value: 'changed by the server', correctionFor: 'o2' })
  })

  it('comes where an op is covered by the cursor and nothing holds it', () => {
    const told = follow('**')
    write('set', 'k', 'mine', 'o1')
    const ops = ['a', 'b'].map((path) => ({ op: 'set', path, value: path, opId: path }) as const)
    replica.writeBatch({ id: 'batch', separate: false, ops })
    replica.sync.ack('o1', 2)
    told.length = 0
    log(['set', 'a', 'a', 'a'], ['set', 'other', 1])
    expect(told).toMatchObject([
      { path: 'other', own: false },
      { op: 'delete', path: 'b', correctionFor: 'b' },
      { op: 'delete', path: 'k', correctionFor: 'o1' },
    ])
    expect(replica.pending().count).toBe(0)
  })

  it('comes also where a foreign op above says nothing new to who listens below', () => {
    const told = follow('a/*')
    log(['set', 'a/x', 5])
    write('set', 'a/x', 5, 'o1')
    log(['set', 'a', { x: 1 }], ['set', 'a/x', 5, 'o1'], ['set', 'a', { x: 5 }])
    expect(told.at(-1)).toMatchObject({ path: 'a/x', value: 5, correctionFor: 'o1' })
  })

  it.each<[string, LocalOp['op'], JsonValue, JsonValue[][]]>([
    [
      'I06 a subtree set',
      'set',
      { a: 9, c: 1 },
      [
        ['set', 's/a', 1],
        ['set', 's/b', 2],
        ['delete', 's/c', null],
      ],
    ],
    [
      'I08 a subtree delete',
      'delete',
      null,
      [
        ['set', 's/a', 1],
        ['set', 's/b', 2],
      ],
    ],
    [
      'I09 a merge',
      'merge',
      { a: { deep: 1 }, b: 2 },
      [
        ['set', 's/a', 1],
        ['delete', 's/a/deep', null],
      ],
    ],
  ])('%s that is refused is taken back leaf by leaf', (_, op, value, restored) => {
    log(['set', 's', { a: 1, b: 2 }])
    const told = follow('s/**')
    const below = follow('s/*')
    write(op, 's', value, 'o1')
    told.length = 0
    below.length = 0
    replica.sync.reject('o1', refusal)
    expect(gist(told)).toEqual(restored)
    expect(told.every(({ correctionFor }) => correctionFor === 'o1')).toBe(true)
    expect(below.map(({ path }) => path)).toEqual(
      restored.map(([, path]) => path).filter((path) => path !== 's/a/deep'),
    )
  })

  it('I05 follows the refusal, which is told at the path of the op', () => {
    log(['set', 'k', 1])
    const told = follow('k')
    write('set', 'k', 2, 'o1')
    replica.sync.reject('o1', refusal)
    expect(told.slice(1)).toMatchObject([
      { op: 'set', path: 'k', value: null, clientOpId: 'o1', error: { code: 'limit_exceeded' } },
      { op: 'set', path: 'k', value: 1, correctionFor: 'o1' },
    ])
  })

  it('takes back a refused batch, after all of its refusals', () => {
    log(['set', 's', { a: 1, b: 2 }])
    const told = follow('**')
    replica.writeBatch({
      id: 'batch',
      separate: false,
      ops: [
        { op: 'delete', path: 's', value: null, opId: 'o1' },
        { op: 'set', path: 's/a', value: 5, opId: 'o2' },
        { op: 'increment', path: 'n', value: 1, opId: 'o3' },
      ],
    })
    told.length = 0
    replica.sync.rejectBatch('batch', refusal, 1)
    expect(told.map(({ path, error, correctionFor }) => [path, error?.code ?? correctionFor])).toEqual([
      ['s', 'batch_rejected'],
      ['s/a', 'limit_exceeded'],
      ['n', 'batch_rejected'],
      ['n', 'o3'],
      ['s/a', 'o2'],
      ['s/b', 'o1'],
    ])
  })

  it('says what has become of a node, to whom was told about it', () => {
    log(['set', 'org', { ann: { name: 'Ann' }, bob: { name: 'Bob' } }])
    const told = follow('org/*')
    write('set', 'org', { ann: { name: 'Anna' }, eve: { name: 'Eve' } }, 'o1')
    told.length = 0
    replica.sync.reject('o1', refusal)
    expect(gist(told)).toEqual([
      ['set', 'org/ann', { name: 'Ann' }],
      ['set', 'org/bob', { name: 'Bob' }],
      ['delete', 'org/eve', null],
    ])
  })
})

describe('a snapshot', () => {
  beforeEach(() => {
    log(['set', 'same', 1], ['set', 'old', 1], ['set', 'gone', { x: 1, y: { z: 2 } }])
  })

  const snapshot = () =>
    replica.sync.applySnapshot(9, [
      { path: 'new/deep', value: 3, type: 'integer', seq: 8 },
      { path: 'old', value: 2, type: 'integer', seq: 7 },
      { path: 'same', value: 1, type: 'integer', seq: 6 },
    ])

  it('J10 tells what is new, what changed and what is gone, and nothing else', () => {
    const told = follow('**', 'committed')
    snapshot()
    expect(gist(told)).toEqual([
      ['delete', 'gone/x', null],
      ['delete', 'gone/y/z', null],
      ['set', 'new/deep', 3],
      ['set', 'old', 2],
    ])
    expect(told.map(({ storeSeq }) => storeSeq)).toEqual([9, 9, 8, 7])
    expect(told.every(({ cause }) => cause?.op === 'snapshot' && cause.path === '')).toBe(true)
  })

  it('J10 tells nodes to patterns of one depth', () => {
    const told = follow('*')
    snapshot()
    expect(gist(told)).toEqual([
      ['delete', 'gone', null],
      ['set', 'new', { deep: 3 }],
      ['set', 'old', 2],
    ])
  })

  it('tells that a leaf has given way to what is below it', () => {
    log(['set', 'mixed/below', 1], ['increment', 'mixed', 1])
    const [nodes, leaves] = [follow('*'), follow('**')]
    replica.sync.applySnapshot(9, [{ path: 'mixed/below', value: 1, type: 'integer', seq: 8 }])
    const about = (told: DustEvent[]) => gist(told.filter(({ path }) => path === 'mixed'))
    expect(about(nodes)).toEqual([
      ['delete', 'mixed', null],
      ['set', 'mixed', { below: 1 }],
    ])
    expect(about(leaves)).toEqual([['delete', 'mixed', null]])
  })

  it('takes back what showed of an op that was echoed and overwritten within it', () => {
    const [nodes, leaves] = [follow('*'), follow('**')]
    write('increment', 'n', -2, 'o1')
    replica.sync.ack('o1', 5)
    replica.sync.applySnapshot(9, [{ path: 'n/below', value: 1, type: 'integer', seq: 9 }])
    for (const told of [nodes, leaves]) expect(folded(told).has('n')).toBe(false)
    expect(nodes.at(-1)).toMatchObject({ op: 'set', path: 'n', value: { below: 1 } })
  })

  it('is followed by what pending ops make of it', () => {
    const told = follow('*')
    write('increment', 'old', 1, 'o1')
    told.length = 0
    snapshot()
    expect(gist(told.slice(-2))).toEqual([
      ['set', 'old', 2],
      ['set', 'old', 3],
    ])
    expect(told.at(-1)).toMatchObject({ correctionFor: 'o1' })
  })
})

describe('too much to tell', () => {
  const entries = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ path: `many/${i}`, value: i, type: 'integer' as const }))

  it('is said, and nothing else is', () => {
    follow('many/*')
    replica.sync.applySnapshot(1, entries(MOST_EVENTS + 1))
    expect([emitted.length, incomplete]).toEqual([0, true])
    log(['set', 'k', 1])
    expect([emitted.length, incomplete]).toEqual([1, false])
  })

  it('is only what somebody is interested in', () => {
    follow('many/7')
    replica.sync.applySnapshot(1, entries(MOST_EVENTS + 1))
    expect([gist(emitted), incomplete]).toEqual([[['set', 'many/7', 7]], false])
  })
})

describe('foldEvent', () => {
  const event = (over: Partial<DustEvent>): DustEvent => ({
    store: 'o/s',
    path: 'a',
    op: 'set',
    value: 1,
    committed: true,
    source: 'server',
    own: false,
    catchUp: false,
    ...over,
  })

  it('leaves the state that it is given alone', () => {
    const state: FoldState = new Map([['a/b', { value: 1, type: 'integer' }]])
    const after = foldEvent(state, event({ value: 2 }))
    expect([[...state.keys()], [...after.keys()]]).toEqual([['a/b'], ['a']])
  })

  it('takes a consequence to be about its path only', () => {
    const state: FoldState = new Map([['a/b', { value: 1, type: 'integer' }]])
    const after = foldEvent(state, event({ value: 2, cause: { op: 'merge', path: 'root' } }))
    expect([...after.keys()]).toEqual(['a/b', 'a'])
  })

  it('keeps only what the pattern matches', () => {
    const told = event({ value: { b: 1, c: { d: 2 } } })
    expect([...foldEvent(new Map(), told, parsePattern('a/*')).keys()]).toEqual(['a/b'])
  })
})

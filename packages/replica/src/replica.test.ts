import {
  ConflictError,
  ExistsError,
  type JsonValue,
  parsePattern,
  RejectedError,
  type StoreEventPayload,
} from '@dustlayer/protocol'
import { describe, expect, it } from 'vitest'
import { openBetterSqlite } from './testing/better-sqlite.js'
import { driverSuite } from './testing/driver-suite.js'
import { openForTest as open } from './testing/open-for-test.js'

const refusal = new RejectedError('limit_exceeded', 'o/s: full')

describe('driver contract on better-sqlite3', () => {
  it.each(driverSuite)('$name', ({ run }) => {
    const driver = openBetterSqlite()
    run(driver)
    driver.close()
  })
})

describe('reads', () => {
  it('E34 tells absent from null, and assembles interior paths', () => {
    const { replica, event } = open()
    event('set', 'users/alice', { name: 'Alice', tags: ['x'] })
    event('set', 'nothing', null)
    expect(replica.get('users')).toEqual({ alice: { name: 'Alice', tags: ['x'] } })
    expect(replica.get('nothing')).toBeNull()
    expect(replica.get('missing')).toBeUndefined()
    expect(replica.getMany(['users/alice', 'missing', 'nothing'])).toEqual({
      'users/alice': { name: 'Alice', tags: ['x'] },
      nothing: null,
    })
  })

  it('H02, H11 an entry has its revision and syncedAt, a node the highest revision of its leaves', () => {
    const { replica, event } = open()
    event('set', 'u/a', 1)
    event('set', 'u/b', 2)
    expect(replica.entry('u/a')).toEqual({
      path: 'u/a',
      value: 1,
      type: 'integer',
      revision: 1,
      syncedAt: 1_700_000_000_000,
      pending: false,
    })
    expect(replica.entry('u')).toMatchObject({ type: 'map', revision: 2, syncedAt: null, pending: false })
  })
})

describe('optimistic writes', () => {
  it('I01 show at once, with one local event', () => {
    const { replica, events } = open()
    replica.write({ op: 'set', path: 'k', value: 2, opId: 'o1' })
    expect(replica.get('k')).toBe(2)
    expect(replica.entry('k')).toMatchObject({ revision: 0, pending: true, syncedAt: null })
    expect(events).toMatchObject([
      { op: 'set', path: 'k', value: 2, committed: false, source: 'local', clientOpId: 'o1' },
    ])
  })

  it.each(['echo first', 'ack first'])('I02 settle once: %s', (order) => {
    const { replica, verdicts, events, echo } = open()
    replica.write({ op: 'set', path: 'k', value: 2, opId: 'o1' })
    if (order === 'ack first') replica.sync.ack('o1', 1)
    echo('set', 'k', 2, 'o1')
    replica.sync.ack('o1', 1)
    expect(verdicts).toEqual([['o1', { state: 'committed', revision: 1 }]])
    expect(events.filter(({ committed }) => committed)).toHaveLength(1)
    expect(replica.pending()).toMatchObject({ count: 0, oldestAt: null })
    expect(replica.entry('k')).toMatchObject({ revision: 1, pending: false })
  })

  it('are recognised in the log also when this client has got another device id since', () => {
    const { replica, event, events } = open()
    replica.write({ op: 'increment', path: 'n', value: 1, opId: 'o1' })
    event('increment', 'n', 1, 'o1', 'the id before')
    expect([replica.get('n'), replica.pending().count]).toEqual([1, 0])
    expect(events.at(-1)).toMatchObject({ own: true, committed: true })
  })

  it('stay pending between ack and echo, so that nothing flickers', () => {
    const { replica, event } = open()
    event('set', 'k', 'old')
    replica.write({ op: 'set', path: 'k', value: 'new', opId: 'o1' })
    replica.sync.ack('o1', 3)
    event('set', 'k', 'theirs')
    expect(replica.get('k')).toBe('new')
  })

  it('I10, I11 a foreign event does not hide a pending put, and moves a pending increment', () => {
    const { replica, event, echo } = open()
    event('increment', 'n', 5)
    replica.write({ op: 'set', path: 'k', value: 'mine', opId: 'o1' })
    replica.write({ op: 'increment', path: 'n', value: 1, opId: 'o2' })
    event('set', 'k', 'theirs')
    event('increment', 'n', 8)
    expect([replica.get('k'), replica.get('n')]).toEqual(['mine', 9])
    echo('set', 'k', 'mine', 'o1')
    echo('increment', 'n', 9, 'o2')
    expect([replica.get('k'), replica.get('n'), replica.pending().count]).toEqual(['mine', 9, 0])
  })

  it.each<[string, 'set' | 'delete' | 'merge' | 'increment', string, JsonValue]>([
    ['I05 a put', 'set', 's/a', 9],
    ['I06 a subtree put', 'set', 's', { a: 9 }],
    ['I07 an increment', 'increment', 's/b', 1],
    ['I08 a subtree delete', 'delete', 's', null],
    ['I09 a merge', 'merge', 's', { a: { deep: 1 }, z: 1 }],
  ])('%s that is refused leaves no trace but the event', (_, op, path, value) => {
    const { replica, event, events, verdicts } = open()
    event('set', 's', { a: 1, b: 2 })
    const before = replica.entry('s')
    replica.write({ op, path, value, opId: 'o1' })
    expect(replica.entry('s')).not.toEqual(before)
    replica.sync.reject('o1', refusal)
    expect(replica.entry('s')).toEqual(before)
    expect(events.find(({ error }) => error)).toMatchObject({
      path,
      op,
      value: null,
      error: { code: 'limit_exceeded' },
      source: 'server',
    })
    expect(verdicts).toMatchObject([['o1', { state: 'rejected', error: { code: 'limit_exceeded' } }]])
    expect(replica.verdict('o1')?.state).toBe('rejected')
  })

  it('a repeated call with the same op id is the same write, also after it has settled', () => {
    const { replica, echo } = open()
    const op = { op: 'increment', path: 'n', value: 1, opId: 'o1' } as const
    replica.write(op)
    replica.write(op)
    expect(replica.get('n')).toBe(1)
    echo('increment', 'n', 1, 'o1')
    replica.write(op)
    expect([replica.get('n'), replica.pending().count]).toEqual([1, 0])
  })

  it('refuses at the call what no server would take', () => {
    const { replica } = open()
    replica.write({ op: 'set', path: 's', value: 'text', opId: 'o1' })
    expect(() => replica.write({ op: 'increment', path: 's', value: 1, opId: 'o2' })).toThrow(
      expect.objectContaining({ code: 'increment_requires_number_target' }),
    )
    expect(() => replica.write({ op: 'set', path: 's', value: { '': 1 }, opId: 'o3' })).toThrow(
      expect.objectContaining({ code: 'empty_segment' }),
    )
    expect(replica.pending().count).toBe(1)
  })
})

describe('preconditions', () => {
  it('are judged at the call against what is visible, with the current revision', () => {
    const { replica, event } = open()
    event('set', 'k', 1)
    event('set', 'k', 2)
    const stale = () => replica.write({ op: 'set', path: 'k', value: 3, opId: 'o1', ifMatch: 1 })
    expect(stale).toThrow(ConflictError)
    expect(stale).toThrow(expect.objectContaining({ currentRevision: 2 }))
    expect(() => replica.write({ op: 'set', path: 'k', value: 3, opId: 'o2', ifAbsent: true })).toThrow(
      ExistsError,
    )
    replica.write({ op: 'set', path: 'k', value: 3, opId: 'o3', ifMatch: 2 })
    expect(replica.sync.outbox(0, 9)).toMatchObject([
      { opId: 'o3', payload: { if_match: 2 }, waitsFor: null },
    ])
  })

  it('I5 a CAS on top of an own pending write waits for its revision and matches that', () => {
    const { replica, event } = open()
    event('set', 'k', 1)
    replica.write({ op: 'set', path: 'k', value: 2, opId: 'o1' })
    const { revision } = replica.entry('k') ?? { revision: -1 }
    replica.write({ op: 'set', path: 'k', value: 3, opId: 'o2', ifMatch: revision })
    expect(replica.sync.outbox(0, 9).map(({ waitsFor }) => waitsFor)).toEqual([null, 'o1'])
    replica.sync.ack('o1', 7)
    expect(replica.sync.outbox(0, 9)).toMatchObject([
      { opId: 'o1', acked: true },
      { opId: 'o2', payload: { if_match: 7 }, waitsFor: null },
    ])
  })

  it('I5 a CAS with the revision shown matches an own write that is acknowledged and not yet echoed', () => {
    const { replica, event } = open()
    event('set', 'k', 1)
    replica.write({ op: 'set', path: 'k', value: 2, opId: 'o1' })
    replica.sync.ack('o1', 7)
    const { revision } = replica.entry('k') ?? { revision: -1 }
    replica.write({ op: 'set', path: 'k', value: 3, opId: 'o2', ifMatch: revision })
    replica.write({ op: 'set', path: 'new', value: 1, opId: 'o3' })
    replica.sync.ack('o3', 8)
    replica.write({ op: 'delete', path: 'new', value: null, opId: 'o4', ifMatch: 0 })
    expect(replica.sync.outbox(0, 9)).toMatchObject([
      { opId: 'o1', acked: true },
      { opId: 'o2', payload: { if_match: 7 }, waitsFor: null },
      { opId: 'o3', acked: true },
      { opId: 'o4', payload: { if_match: 8 }, waitsFor: null },
    ])
  })

  it('I5 falls back to the original revision when the write it stands on is refused', () => {
    const { replica, event } = open()
    event('set', 'k', 1)
    replica.write({ op: 'set', path: 'k', value: 2, opId: 'o1' })
    replica.write({ op: 'set', path: 'k', value: 3, opId: 'o2', ifMatch: 1 })
    replica.sync.reject('o1', refusal)
    expect(replica.sync.outbox(0, 9)).toMatchObject([
      { opId: 'o2', payload: { if_match: 1 }, waitsFor: null },
    ])
    expect(replica.get('k')).toBe(3)
  })
})

describe('the server’s word', () => {
  it('C22, C23 applies each event once, in order, and refuses a gap without a change', () => {
    const { replica, events } = open()
    const at = (seq: number): StoreEventPayload => ({
      store_seq: seq,
      op: 'set',
      path: 'k',
      path_segments: ['k'],
      value: seq,
      device_id: 'x',
      client_op_id: `x${seq}`,
    })
    replica.sync.applyEvents([at(1), at(1), at(2)], { catchUp: true })
    expect(() => replica.sync.applyEvents([at(3), at(5)], { catchUp: false })).toThrow(
      expect.objectContaining({ code: 'event_gap' }),
    )
    expect([replica.get('k'), replica.sync.cursor(), events.length]).toEqual([2, 2, 2])
  })

  it('C19, C20, J10 a snapshot replaces the confirmed state, keeps pending ops, and tells what changed', () => {
    const { replica, event, events } = open()
    event('set', 'gone', 1)
    event('set', 'same', 1)
    event('set', 'y', 'old')
    replica.write({ op: 'set', path: 'y', value: 'mine', opId: 'o1' })
    events.length = 0
    replica.sync.applySnapshot(9, [
      { path: 'same', value: 1, type: 'integer', seq: 2 },
      { path: 'new', value: [1], type: 'list', seq: 8 },
      { path: 'y', value: 'older', type: 'string' },
    ])
    expect(replica.enum(parsePattern('**')).items).toMatchObject([
      { path: 'new', value: [1], revision: 8 },
      { path: 'same', value: 1, revision: 2 },
      { path: 'y', value: 'mine', revision: 9, pending: true },
    ])
    expect(events.map(({ op, path, value }) => [op, path, value])).toEqual([
      ['delete', 'gone', null],
      ['set', 'new', [1]],
      ['set', 'y', 'older'],
      ['set', 'y', 'mine'],
    ])
    expect(replica.sync.cursor()).toBe(9)
  })

  it('an acknowledged op that a snapshot covers leaves the outbox', () => {
    const { replica, verdicts } = open()
    replica.write({ op: 'increment', path: 'n', value: 1, opId: 'o1' })
    replica.sync.ack('o1', 4)
    replica.sync.applySnapshot(5, [{ path: 'n', value: 11, type: 'counter', seq: 4 }])
    expect([replica.get('n'), replica.pending().count, verdicts.length]).toEqual([11, 0, 1])
  })
})

describe('durability', () => {
  it('I16 pending ops and their effect survive a restart, in order', () => {
    const { driver, replica, event } = open()
    event('set', 'a', { x: 1 })
    replica.write({ op: 'set', path: 'a', value: { y: 2n ** 60n }, opId: 'o1' })
    replica.write({ op: 'increment', path: 'n', value: 2, opId: 'o2' })
    replica.write({ op: 'set', path: 'n', value: 3, opId: 'o3', ifMatch: 0 })
    const { replica: reopened } = open(driver)
    expect(reopened.get('a')).toEqual({ y: 2n ** 60n })
    expect(reopened.sync.outbox(0, 9)).toEqual(replica.sync.outbox(0, 9))
    expect([reopened.sync.cursor(), reopened.pending().count]).toEqual([1, 3])
  })

  it('a failed transaction leaves memory and tables as they were, and sends no events', () => {
    const { replica, events, verdicts } = open()
    replica.write({ op: 'set', path: 'k', value: 1, opId: 'o1' })
    events.length = 0
    expect(() =>
      replica.transaction(() => {
        replica.sync.ack('o1', 5)
        replica.write({ op: 'delete', path: 'k', value: null, opId: 'o2' })
        throw new Error('disk full')
      }),
    ).toThrow('disk full')
    expect([replica.get('k'), replica.pending().count, events.length, verdicts.length]).toEqual([1, 1, 0, 0])
  })

  it('refuses a database of a newer version and leaves it alone', () => {
    const driver = openBetterSqlite()
    driver.exec('pragma user_version = 99')
    expect(() => open(driver)).toThrow(expect.objectContaining({ code: 'newer_database' }))
    expect(driver.all('pragma user_version')).toEqual([[99]])
  })
})

describe('sets in what is read', () => {
  it('are named by their paths inside a node, and by the type of a leaf', () => {
    const { replica, event } = open()
    event('add', 'u/tags', ['x'])
    event('set', 'u/list', ['x'])
    replica.write({ op: 'add', path: 'u/a~1b/roles', value: 'admin', opId: 'o1' })
    const sets = ['a~1b/roles', 'tags']
    const value = { 'a/b': { roles: ['admin'] }, list: ['x'], tags: ['x'] }
    expect(replica.read('u')).toEqual({ value, type: 'map', sets })
    expect(replica.entry('u')).toMatchObject({ value, sets })
    expect(replica.enum(parsePattern('*')).items).toMatchObject([{ path: 'u', sets }])
    expect(replica.read('u/tags')).toEqual({ value: ['x'], type: 'set' })
    expect(replica.read('u/a~1b/roles')).toEqual({ value: ['admin'], type: 'set' })
    expect(replica.read('u/list')).toEqual({ value: ['x'], type: 'list' })
    expect(replica.read('missing')).toBeUndefined()
    event('set', 'plain', { x: 1 })
    expect(replica.read('plain')).toEqual({ value: { x: 1 }, type: 'map' })
  })

  it('are left out where something below them shows instead', () => {
    const { replica, event } = open()
    event('add', 'u/tags', ['x'])
    event('increment', 'u/tags/count', 1)
    expect(replica.read('u')).toEqual({ value: { tags: { count: 1 } }, type: 'map' })
  })
})

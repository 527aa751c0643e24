import { type JsonValue, parsePattern } from '@dustlayer/protocol'
import { describe, expect, it } from 'vitest'
import type { SqliteDriver } from './driver.js'
import type { SnapshotEntry } from './sync-port.js'
import { eventPayload, openForTest, TEST_DEVICE } from './testing/open-for-test.js'

const entry = (path: string, value: JsonValue, seq: number): SnapshotEntry => ({
  path,
  value,
  type: typeof value === 'number' ? 'integer' : 'string',
  seq,
})

const ALL = parsePattern('**')

function openWithEntries() {
  const opened = openForTest()
  opened.event('set', 'gone', 1)
  opened.event('set', 'same', 1)
  opened.event('set', 'other', 'old')
  opened.events.length = 0
  return opened
}

describe('a staged snapshot', () => {
  it('J10 shows nothing before it is swapped in, and then exactly what changed', () => {
    const { replica, events } = openWithEntries()
    const { sync } = replica
    sync.stageBegin(9, 'one')
    sync.stageEntries([entry('new', 1, 5), entry('other', 'new', 8)], 'other')
    expect([replica.get('new'), sync.cursor(), events]).toEqual([undefined, 3, []])
    sync.stageEntries([entry('same', 1, 2)], 'same')
    sync.stageFinish(9, { reset: false })
    expect(replica.enum(ALL).items).toMatchObject([
      { path: 'new', revision: 5 },
      { path: 'other', value: 'new', revision: 8 },
      { path: 'same', revision: 2 },
    ])
    expect(events.map(({ op, path }) => [op, path]).sort()).toEqual([
      ['delete', 'gone'],
      ['set', 'new'],
      ['set', 'other'],
    ])
    expect([sync.cursor(), sync.staging()]).toEqual([9, null])
  })

  it('is continued after a restart from the path where it stopped', () => {
    const { driver, replica } = openWithEntries()
    replica.sync.stageBegin(9, 'one')
    replica.sync.stageEntries([entry('a', 1, 5)], 'a')
    const { replica: reopened } = openForTest(driver)
    expect(reopened.sync.staging()).toEqual({ seq: 9, after: 'a', incarnation: 'one' })
    reopened.sync.stageEntries([entry('b', 2, 6)], 'b')
    reopened.sync.stageFinish(9, { reset: false })
    expect(reopened.enum(ALL).items).toMatchObject([{ path: 'a' }, { path: 'b' }])
  })

  it('begins anew, is dropped, and cannot be finished elsewhere', () => {
    const { replica, driver } = openWithEntries()
    const { sync } = replica
    sync.stageBegin(9, null)
    sync.stageEntries([entry('first', 1, 5)], 'first')
    sync.stageBegin(11, null)
    sync.stageEntries([entry('second', 1, 5)], null)
    expect(() => sync.stageFinish(9, { reset: false })).toThrow(
      expect.objectContaining({ code: 'staged_elsewhere' }),
    )
    expect(replica.get('gone')).toBe(1)
    sync.stageDrop()
    expect([sync.staging(), driver.all('select count(*) from staged')]).toEqual([null, [[0]]])
    const nothing = expect.objectContaining({ code: 'nothing_staged' })
    expect(() => sync.stageEntries([], null)).toThrow(nothing)
    expect(() => sync.stageEvents([])).toThrow(nothing)
    expect(() => sync.stageFinish(11, { reset: false })).toThrow(nothing)
  })

  it('is swapped in again and again, also when the transaction fails in between', () => {
    const { replica } = openForTest()
    for (let round = 1; round <= 5; round++) {
      const swap = () => {
        replica.sync.stageBegin(round, null)
        replica.sync.stageEntries([entry('k', round, round), entry(`r${round}`, 1, round)], null)
        replica.sync.stageFinish(round, { reset: false })
      }
      const failing = () =>
        replica.transaction(() => {
          swap()
          throw new Error('disk full')
        })
      const before = replica.export()
      expect(failing).toThrow('disk full')
      expect(replica.export()).toEqual(before)
      swap()
      expect([replica.get('k'), replica.enum(ALL).items.length, replica.sync.cursor()]).toEqual([
        round,
        2,
        round,
      ])
      expect(replica.check()).toMatchObject({ problemCount: 0 })
    }
  })

  it('that cannot be continued is in nobody’s way when there is no room to remove it', () => {
    const { driver, replica } = openWithEntries()
    replica.sync.stageBegin(9, 'one')
    replica.sync.stageEntries([entry('k', 1, 5)], null)
    replica.sync.stageEvents([eventPayload(10, 'set', 'k', 2)])
    const full: SqliteDriver = {
      ...driver,
      run(sql, params) {
        if (sql.startsWith('delete from staged')) throw new Error('disk full')
        driver.run(sql, params)
      },
    }
    expect(openForTest(full).replica.get('same')).toBe(1)
    const { sync, ...again } = openForTest(driver).replica
    expect(sync.staging()).toBeNull()
    expect(driver.all('select count(*) from staged')).toEqual([[0]])
    expect(again.check()).toMatchObject({ problemCount: 0 })
  })

  it('tells 5,000 differences among 20,000 entries, whatever chunks they fall into', () => {
    const { replica, events } = openForTest()
    const entries = (value: number) =>
      Array.from({ length: 20_000 }, (_, i) => entry(`k${i}`, i % 4 === 0 ? value : 0, 1))
    replica.sync.applySnapshot(1, entries(1))
    events.length = 0
    replica.sync.applySnapshot(2, entries(2))
    expect(events.length).toBe(5_000)
    expect(new Set(events.map(({ path }) => path)).size).toBe(5_000)
  })
})

describe('a staged rebuild', () => {
  it('folds the log, each event once, and refuses a gap without a change', () => {
    const { replica } = openWithEntries()
    const { sync } = replica
    const log = [
      eventPayload(1, 'set', 'a', { x: 1, y: 2 }),
      eventPayload(2, 'delete', 'a/x', null),
      eventPayload(3, 'increment', 'n', 4),
      eventPayload(4, 'set', 'n', 5),
    ]
    sync.stageBegin(0, null)
    sync.stageEvents(log.slice(0, 2))
    sync.stageEvents(log.slice(1, 3))
    expect(() => sync.stageEvents([eventPayload(6, 'set', 'z', 1)])).toThrow(
      expect.objectContaining({ code: 'event_gap' }),
    )
    sync.stageEvents(log)
    sync.stageFinish(4, { reset: false })
    expect(replica.enum(ALL).items).toMatchObject([
      { path: 'a/y', value: 2, revision: 1 },
      { path: 'n', value: 5, revision: 4 },
    ])
  })

  it('settles own ops that it meets, in the transaction of the swap', () => {
    const { replica, verdicts } = openForTest()
    const { sync } = replica
    replica.write({ op: 'increment', path: 'n', value: 1, opId: 'o1' })
    replica.write({ op: 'increment', path: 'n', value: 1, opId: 'o2' })
    sync.stageBegin(0, null)
    sync.stageEvents([eventPayload(1, 'increment', 'n', 1, 'o1', TEST_DEVICE)])
    expect([replica.get('n'), verdicts]).toEqual([2, []])
    sync.stageFinish(1, { reset: true })
    expect([replica.get('n'), replica.pending().count]).toEqual([2, 1])
    expect(verdicts).toEqual([['o1', { state: 'committed', revision: 1 }]])
  })

  it('cannot be continued by another run, which knows none of the own ops in it', () => {
    const { driver, replica } = openForTest()
    replica.sync.stageBegin(2, 'one')
    replica.sync.stageEntries([entry('k', 1, 2)], 'k')
    replica.sync.stageEvents([eventPayload(3, 'set', 'k', 2)])
    expect(replica.sync.staging()).toEqual({ seq: 2, after: 'k', incarnation: 'one' })
    const { replica: reopened } = openForTest(driver)
    expect([reopened.sync.staging(), driver.all('select count(*) from staged')]).toEqual([null, [[0]]])
  })
})

describe('another history', () => {
  it('makes acknowledged ops pending again, whose followers wait again, and takes the cursor back', () => {
    const { replica, driver, verdicts } = openForTest()
    const { sync } = replica
    replica.write({ op: 'set', path: 'k', value: 1, opId: 'o1' })
    replica.write({ op: 'set', path: 'k', value: 2, opId: 'o2', ifMatch: 0 })
    sync.ack('o1', 40)
    replica.write({ op: 'set', path: 'k2', value: 1, opId: 'o3' })
    sync.ack('o3', 41)
    expect(sync.outbox(0, 9)).toMatchObject([
      { acked: true },
      { acked: false, waitsFor: null, payload: { if_match: 40 } },
      { acked: true },
    ])
    sync.applyEvents(
      Array.from({ length: 39 }, (_, i) => eventPayload(i + 1, 'set', 'theirs', i)),
      { catchUp: true },
    )
    sync.stageBegin(7, 'two')
    sync.stageEntries([entry('theirs', 6, 7)], 'theirs')
    sync.stageFinish(7, { reset: true })
    sync.setServer({ incarnation: 'two', extensions: ['batch'] })
    const expected = [
      { opId: 'o1', acked: false, waitsFor: null },
      { opId: 'o2', acked: false, waitsFor: 'o1' },
      { opId: 'o3', acked: false, waitsFor: null },
    ]
    expect([sync.cursor(), replica.get('k')]).toEqual([7, 2])
    expect(sync.outbox(0, 9)).toMatchObject(expected)
    const { replica: reopened } = openForTest(driver)
    expect(reopened.sync.outbox(0, 9)).toMatchObject(expected)
    expect(reopened.sync.server()).toEqual({ incarnation: 'two', extensions: ['batch'] })
    expect(reopened.sync.incarnation()).toBe('two')
    reopened.sync.ack('o1', 8)
    expect(reopened.sync.outbox(0, 9)[1]).toMatchObject({ waitsFor: null, payload: { if_match: 8 } })
    expect(verdicts.length).toBe(2)
  })

  it('without a reset, acknowledged ops that the new state covers are settled', () => {
    const { replica } = openForTest()
    replica.write({ op: 'increment', path: 'n', value: 1, opId: 'o1' })
    replica.write({ op: 'increment', path: 'm', value: 1, opId: 'o2' })
    replica.sync.ack('o1', 4)
    replica.sync.ack('o2', 6)
    replica.sync.stageBegin(5, null)
    replica.sync.stageEntries([{ path: 'n', value: 11, type: 'counter', seq: 4 }], 'n')
    replica.sync.stageFinish(5, { reset: false })
    expect([replica.get('n'), replica.pending().count]).toEqual([11, 1])
  })
})

describe('digest', () => {
  it('is the same for the same entries, however they came about', () => {
    const { replica: one, event } = openForTest()
    event('set', 'a', { x: 1 })
    event('add', 'a/tags', ['m'])
    const { replica: other } = openForTest()
    expect(other.digest()).not.toBe(one.digest())
    other.sync.applySnapshot(2, [
      { path: 'a/tags', value: ['m'], type: 'set', seq: 2 },
      { path: 'a/x', value: 1, type: 'integer', seq: 1 },
    ])
    expect(other.sync.digest()).toBe(one.sync.digest())
    expect(one.digest()).toMatch(/^[0-9a-f]{16}$/)
    one.write({ op: 'set', path: 'a/x', value: 2, opId: 'o1' })
    expect(one.digest()).toBe(other.digest())
  })
})

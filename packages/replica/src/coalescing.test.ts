import { RejectedError } from '@dustlayer/protocol'
import { describe, expect, it } from 'vitest'
import type { LocalOp } from './local-op.js'
import { openForTest } from './testing/open-for-test.js'

const put = (opId: string, path: string, value: LocalOp['value'], more: Partial<LocalOp> = {}): LocalOp => ({
  op: 'set',
  path,
  value,
  opId,
  ...more,
})

describe('a put on top of an unsent put', () => {
  it('takes its place, and both are answered', () => {
    const { replica, events, verdicts } = openForTest()
    replica.write(put('o1', 'k', { a: 1 }))
    replica.write(put('o2', 'k', { b: 2 }))
    replica.write(put('o3', 'k', 3))
    expect([replica.get('k'), replica.pending().count]).toEqual([3, 1])
    expect(events.filter(({ path, cause }) => path === 'k' && !cause)).toMatchObject([
      { value: { a: 1 }, clientOpId: 'o1' },
      { value: { b: 2 }, clientOpId: 'o2' },
      { value: 3, clientOpId: 'o3' },
    ])
    expect(['o1', 'o2', 'o3'].map(replica.verdict)).toEqual(Array(3).fill({ state: 'pending' }))
    expect(replica.sync.outbox(0, 9)).toMatchObject([{ opId: 'o3', position: 1, payload: { value: 3 } }])
    replica.sync.ack('o3', 4)
    const committed = { state: 'committed', revision: 4 }
    expect(verdicts).toEqual([
      ['o1', committed],
      ['o2', committed],
      ['o3', committed],
    ])
    expect(['o1', 'o2', 'o3'].map(replica.verdict)).toEqual([committed, committed, committed])
  })

  it('is answered for both after a restart, accepted or refused', () => {
    const { driver, replica } = openForTest()
    replica.write(put('o1', 'k', 1))
    replica.write(put('o2', 'k', 2))
    const { replica: reopened, echo, verdicts } = openForTest(driver)
    expect([reopened.verdict('o1'), reopened.get('k')]).toEqual([{ state: 'pending' }, 2])
    reopened.write(put('o1', 'k', 1))
    expect([reopened.get('k'), reopened.pending().count]).toEqual([2, 1])
    reopened.write(put('o3', 'other', 1))
    reopened.write(put('o4', 'other', 2))
    echo('set', 'k', 2, 'o2')
    reopened.sync.reject('o4', new RejectedError('limit_exceeded', 'full'))
    expect(verdicts.map(([opId, { state }]) => [opId, state])).toEqual([
      ['o1', 'committed'],
      ['o2', 'committed'],
      ['o3', 'rejected'],
      ['o4', 'rejected'],
    ])
    expect(reopened.rejections().map(({ opId }) => opId)).toEqual(['o4'])
    const { replica: again } = openForTest(driver)
    expect(['o1', 'o2', 'o3', 'o4'].map((opId) => again.verdict(opId)?.state)).toEqual([
      'committed',
      'committed',
      'rejected',
      'rejected',
    ])
    expect(driver.all('select count(*) from replaced')).toEqual([[0]])
  })

  it('stays behind it when that may be on its way: read for sending, or from before a restart', () => {
    const { driver, replica } = openForTest()
    replica.write(put('o1', 'k', 1))
    replica.sync.outbox(0, 9)
    replica.write(put('o2', 'k', 2))
    expect(replica.sync.outbox(0, 9).map(({ opId }) => opId)).toEqual(['o1', 'o2'])
    replica.write(put('o3', 'k', 3))
    const { replica: reopened } = openForTest(driver)
    reopened.write(put('o4', 'k', 4))
    expect(reopened.pending().count).toBe(4)
  })

  it('stays behind it when the order of writes would change, or when one is more than a put', () => {
    const { replica, event } = openForTest()
    const revision = event('set', 'k', 0)
    const ops: LocalOp[] = [
      put('1', 'k', 1),
      put('2', 'other', 1),
      put('3', 'k', 2),
      put('4', 'k', 3, { ifMatch: revision }),
      put('5', 'k', 4),
      put('6', 'k', 5, { fence: { key: 'lock', token: 1 } }),
      put('7', 'k', 6),
      { op: 'increment', path: 'k', value: 1, opId: '8' },
      put('9', 'k', 7),
      put('10', 'k/below', 8),
    ]
    for (const op of ops) replica.write(op)
    replica.writeBatch({ id: 'batch', ops: [put('11', 'k', 9)], separate: false })
    replica.write(put('12', 'k', 10))
    expect(replica.pending().count).toBe(12)
  })

  it('is rolled back as one with its transaction', () => {
    const { replica } = openForTest()
    replica.write(put('o1', 'k', 1))
    expect(() =>
      replica.transaction(() => {
        replica.write(put('o2', 'k', 2))
        throw new Error('disk full')
      }),
    ).toThrow('disk full')
    expect([replica.get('k'), replica.verdict('o2'), replica.verdict('o1')]).toEqual([
      1,
      undefined,
      { state: 'pending' },
    ])
    replica.write(put('o3', 'k', 3))
    expect([replica.get('k'), replica.pending().count]).toEqual([3, 1])
  })

  it('takes the place of a bounded number of them', () => {
    const { replica, verdicts } = openForTest()
    replica.transaction(() => {
      for (let i = 0; i < 1_200; i++) replica.write(put(`o${i}`, 'k', i))
    })
    expect([replica.get('k'), replica.pending().count]).toEqual([1_199, 3])
    for (const { opId, position } of replica.sync.outbox(0, 9)) replica.sync.ack(opId, position)
    expect(new Set(verdicts.map(([opId]) => opId)).size).toBe(1_200)
  })
})

describe('a full outbox', () => {
  it('refuses further writes and keeps what is there', () => {
    const { replica } = openForTest(undefined, { maxPending: 2 })
    replica.write(put('o1', 'a', 1))
    const two = [put('b1', 'b', 1), put('b2', 'c', 1)]
    const full = expect.objectContaining({ code: 'outbox_full', fields: { limit: 2, count: 1 } })
    expect(() => replica.writeBatch({ id: 'batch', ops: two, separate: true })).toThrow(full)
    replica.write(put('o2', 'b', 1))
    expect(() => replica.write(put('o3', 'c', 1))).toThrow(expect.objectContaining({ code: 'outbox_full' }))
    replica.write(put('o4', 'b', 2))
    expect([replica.get('b'), replica.get('c')]).toEqual([2, undefined])
    expect(replica.pending()).toMatchObject({ count: 2, limit: 2 })
    replica.sync.ack('o1', null)
    replica.write(put('o5', 'c', 1))
    expect(replica.get('c')).toBe(1)
  })
})

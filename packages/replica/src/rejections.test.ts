import { ConflictError, RejectedError } from '@dustlayer/protocol'
import { describe, expect, it } from 'vitest'
import { openForTest, TEST_TIME } from './testing/open-for-test.js'

const refusal = new RejectedError('limit_exceeded', 'o/s: full', { limit: 3 })

function openWithRefused() {
  const opened = openForTest()
  const { replica, event } = opened
  const revision = event('set', 'k', 1)
  const op = { op: 'set', path: 'k', value: { text: 'mine' }, opId: 'o1' } as const
  replica.write(op)
  replica.write({ op: 'set', path: 'other', value: 2, opId: 'o2', ifAbsent: true })
  replica.write({ op: 'delete', path: 'k', value: null, opId: 'o3', fence: { key: 'lock', token: 4 } })
  replica.write({ op: 'set', path: 'cas', value: 1, opId: 'o4' })
  replica.sync.reject('o1', refusal)
  replica.sync.reject('o3', refusal)
  return { ...opened, op, revision }
}

describe('a refused write', () => {
  it('is kept with its error, does not block the ones behind it, and survives a restart', () => {
    const { driver, replica } = openWithRefused()
    expect([replica.get('k'), replica.get('other'), replica.pending().count]).toEqual([1, 2, 2])
    const expected = [
      {
        opId: 'o1',
        op: 'set',
        path: 'k',
        value: { text: 'mine' },
        issuedAt: TEST_TIME,
        rejectedAt: TEST_TIME,
        error: { code: 'limit_exceeded', fields: { limit: 3 } },
      },
      { opId: 'o3', op: 'delete', path: 'k', value: null, fence: { key: 'lock', token: 4 } },
    ]
    expect(replica.rejections()).toMatchObject(expected)
    const { replica: reopened } = openForTest(driver)
    expect([reopened.rejections(), reopened.rejectionCount()]).toEqual([replica.rejections(), 2])
  })

  it('is written again, as it was or edited, in one transaction with leaving the list', () => {
    const { replica, op } = openWithRefused()
    let told = 0
    replica.onRejections(() => {
      told += 1
    })
    replica.retryRejection('o1', { ...op, value: 'edited', opId: 'o9' })
    expect([replica.get('k'), told, replica.verdict('o9'), replica.verdict('o1')?.state]).toEqual([
      'edited',
      1,
      { state: 'pending' },
      'rejected',
    ])
    expect(replica.rejections().map(({ opId }) => opId)).toEqual(['o3'])
    replica.retryRejection('o1', { ...op, value: 'edited', opId: 'o9' })
    expect(replica.pending().count).toBe(3)
    expect(() => replica.retryRejection('o1', { ...op, opId: 'o10' })).toThrow(
      expect.objectContaining({ code: 'unknown_rejection' }),
    )
  })

  it('stays when it cannot be written again', () => {
    const { replica, op } = openWithRefused()
    const stale = { ...op, value: 'mine', ifMatch: 77, opId: 'o9' }
    expect(() => replica.retryRejection('o1', stale)).toThrow(ConflictError)
    expect([replica.rejectionCount(), replica.get('k'), replica.pending().count]).toEqual([2, 1, 2])
    // Also in a transaction that goes on.
    replica.transaction(() => expect(() => replica.retryRejection('o1', stale)).toThrow(ConflictError))
    expect([replica.rejectionCount(), replica.get('k'), replica.pending().count]).toEqual([2, 1, 2])
  })

  it('is dropped once', () => {
    const { replica } = openWithRefused()
    expect([replica.dropRejection('o1'), replica.dropRejection('o1')]).toEqual([true, false])
    expect(replica.rejections().map(({ opId }) => opId)).toEqual(['o3'])
  })

  it('comes back when the transaction that took it off fails', () => {
    const { replica } = openWithRefused()
    const failing = () =>
      replica.transaction(() => {
        replica.dropRejection('o1')
        throw new Error('disk full')
      })
    expect(failing).toThrow('disk full')
    expect([replica.rejectionCount(), replica.rejections().length]).toEqual([2, 2])
  })

  it('makes room for a newer one at 1,000', () => {
    const { replica } = openForTest()
    replica.transaction(() => {
      for (let i = 0; i < 1_005; i++) {
        replica.write({ op: 'increment', path: 'n', value: 1, opId: `o${i}` })
        replica.sync.reject(`o${i}`, refusal)
      }
    })
    const kept = replica.rejections()
    expect([kept.length, replica.rejectionCount(), kept[0]?.opId, kept.at(-1)?.opId]).toEqual([
      1_000,
      1_000,
      'o5',
      'o1004',
    ])
  })
})

import { BatchUnsupportedError, RejectedError } from '@dustlayer/protocol'
import { describe, expect, it } from 'vitest'
import type { LocalOp } from './local-op.js'
import { openForTest } from './testing/open-for-test.js'

const refusal = new RejectedError('limit_exceeded', 'o/s: full')

const put = (opId: string, path: string, value: LocalOp['value'], more: Partial<LocalOp> = {}): LocalOp => ({
  op: 'set',
  path,
  value,
  opId,
  ...more,
})

const move: LocalOp[] = [
  put('b1', 'tasks/1/state', 'done'),
  { op: 'increment', path: 'done', value: 1, opId: 'b2' },
  { op: 'delete', path: 'open/1', value: null, opId: 'b3' },
]

function openWithTask() {
  const opened = openForTest()
  opened.event('set', 'tasks/1', { state: 'open' })
  opened.event('set', 'open/1', true)
  return opened
}

describe('writeBatch', () => {
  it('shows all ops at once, in one flush of events, and sends them as neighbours', () => {
    const { replica, events } = openWithTask()
    events.length = 0
    let flushes = 0
    replica.onEvents(() => {
      flushes += 1
    })
    replica.writeBatch({ id: 'batch', ops: move, separate: false })
    expect([replica.get('tasks/1/state'), replica.get('done'), replica.get('open/1')]).toEqual([
      'done',
      1,
      undefined,
    ])
    expect([flushes, events.map(({ clientOpId }) => clientOpId)]).toEqual([1, ['b1', 'b2', 'b3']])
    const batch = { id: 'batch', size: 3, separate: false }
    expect(replica.sync.outbox(0, 1)).toMatchObject([
      { opId: 'b1', batch },
      { opId: 'b2', batch },
      { opId: 'b3', batch },
    ])
  })

  it('judges each op on what the ones before it show', () => {
    const { replica } = openForTest()
    replica.writeBatch({
      id: 'batch',
      ops: [
        put('1', 'n', 5),
        { op: 'increment', path: 'n', value: 2, opId: '2' },
        { op: 'delete', path: 'n', value: null, opId: '3' },
        put('4', 'n', 'new', { ifAbsent: true }),
      ],
      separate: false,
    })
    expect(replica.get('n')).toBe('new')
  })

  it('changes nothing when one op cannot hold', () => {
    const { replica, events, driver } = openWithTask()
    events.length = 0
    const ops = [
      ...move,
      put('b4', 'tasks/1', 'x', { ifAbsent: true }),
      put('b5', 'open', 1, { ifMatch: 99 }),
    ]
    const failing = () => replica.writeBatch({ id: 'batch', ops, separate: false })
    expect(failing).toThrow(expect.objectContaining({ code: 'conflict' }))
    // Also inside a transaction that goes on.
    replica.transaction(() => {
      expect(failing).toThrow()
      replica.write(put('other', 'other', 1))
    })
    expect(replica.get('tasks/1/state')).toBe('open')
    expect([replica.get('done'), replica.get('open/1')]).toEqual([undefined, true])
    expect(events.map(({ path }) => path)).toEqual(['other'])
    expect(replica.verdict('b1')).toBeUndefined()
    expect(driver.all('select op_id from outbox')).toEqual([['other']])
  })

  it('refuses an ifMatch on what the batch itself writes', () => {
    const { replica, event } = openForTest()
    const revision = event('set', 'k', 1)
    const ops = [put('1', 'k', 2), put('2', 'k', 3, { ifMatch: revision })]
    expect(() => replica.writeBatch({ id: 'batch', ops, separate: true })).toThrow(
      expect.objectContaining({ code: 'if_match_in_batch', fields: { store: 'o/s', path: 'k' } }),
    )
    const above = [put('1', 'm', { k: 2 }), put('2', 'm/k', 3, { ifMatch: 0 })]
    expect(() => replica.writeBatch({ id: 'batch', ops: above, separate: true })).toThrow(
      expect.objectContaining({ code: 'if_match_in_batch' }),
    )
    expect([replica.get('k'), replica.pending().count]).toEqual([1, 0])
  })

  it('I5 lets an ifMatch wait for an own write before the batch', () => {
    const { replica } = openForTest()
    replica.write(put('o1', 'k', 1))
    const ops = [put('b1', 'other', 1), put('b2', 'k', 2, { ifMatch: 0 })]
    replica.writeBatch({ id: 'batch', ops, separate: false })
    expect(replica.sync.outbox(0, 9).map(({ waitsFor }) => waitsFor)).toEqual([null, null, 'o1'])
    replica.sync.ack('o1', 7)
    expect(replica.sync.outbox(0, 9)[2]).toMatchObject({ waitsFor: null, payload: { if_match: 7 } })
  })

  it('is the same batch when called again, and refuses what is no batch', () => {
    const { replica } = openForTest()
    const batch = { id: 'batch', ops: move, separate: false }
    replica.writeBatch(batch)
    replica.writeBatch(batch)
    expect([replica.get('done'), replica.pending().count]).toEqual([1, 3])
    const invalid = expect.objectContaining({ code: 'invalid_batch' })
    const many = Array.from({ length: 501 }, (_, i) => put(`m${i}`, 'k', i))
    for (const ops of [[], many, [put('same', 'a', 1), put('same', 'b', 1)]]) {
      expect(() => replica.writeBatch({ id: 'other', ops, separate: false })).toThrow(invalid)
    }
  })
})

describe('the answer to a batch', () => {
  it('I7 a refusal restores exactly what was there, and tells which op was at fault', () => {
    const { replica, verdicts } = openWithTask()
    const before = replica.export().entries
    replica.writeBatch({ id: 'batch', ops: move, separate: false })
    replica.sync.rejectBatch('batch', refusal, 1)
    expect(replica.get('tasks')).toEqual({ 1: { state: 'open' } })
    expect([replica.get('done'), replica.get('open/1'), replica.pending().count]).toEqual([
      undefined,
      true,
      0,
    ])
    expect(replica.export().entries).toEqual(before)
    expect(verdicts).toMatchObject([
      ['b1', { error: { code: 'batch_rejected', fields: { opIndex: 1, reason: 'limit_exceeded' } } }],
      ['b2', { error: { code: 'limit_exceeded' } }],
      ['b3', { error: { code: 'batch_rejected' } }],
    ])
    expect(replica.rejections()).toMatchObject([
      { opId: 'b1', batchId: 'batch' },
      { opId: 'b2', batchId: 'batch' },
      { opId: 'b3', batchId: 'batch' },
    ])
  })

  it('a refusal of the batch as such is the verdict of all its ops', () => {
    const { replica, verdicts } = openForTest()
    replica.writeBatch({ id: 'batch', ops: move, separate: false })
    replica.sync.rejectBatch('batch', new BatchUnsupportedError('no batches'), null)
    expect(
      new Set(verdicts.map(([, verdict]) => verdict.state === 'rejected' && verdict.error.code)),
    ).toEqual(new Set(['batch_unsupported']))
  })

  it('an acceptance acknowledges each op; the echoes settle them', () => {
    const { replica, verdicts, echo } = openForTest()
    replica.writeBatch({ id: 'batch', ops: move, separate: false })
    replica.sync.ackBatch('batch', [1, 2, 3])
    expect(
      verdicts.map(([opId, verdict]) => [opId, verdict.state === 'committed' && verdict.revision]),
    ).toEqual([
      ['b1', 1],
      ['b2', 2],
      ['b3', 3],
    ])
    echo('set', 'tasks/1/state', 'done', 'b1')
    echo('increment', 'done', 1, 'b2')
    expect([replica.pending().count, replica.get('done')]).toEqual([1, 1])
    echo('delete', 'open/1', null, 'b3')
    expect([replica.pending().count, verdicts.length]).toEqual([0, 3])
  })

  it('the first echo of an atomic batch tells that all of it is in the log', () => {
    const { replica, verdicts, echo } = openForTest()
    replica.writeBatch({ id: 'batch', ops: move, separate: false })
    echo('set', 'tasks/1/state', 'done', 'b1')
    expect(verdicts.map(([opId]) => opId)).toEqual(['b2', 'b3', 'b1'])
    expect(replica.sync.outbox(0, 9)).toMatchObject([
      { opId: 'b2', acked: true, batch: null },
      { opId: 'b3', acked: true, batch: null },
    ])
    replica.sync.applySnapshot(3, [{ path: 'done', value: 1, type: 'counter', seq: 2 }])
    expect([replica.pending().count, replica.get('done')]).toEqual([0, 1])
  })

  it('counts by all ops sent, also when some have left since', () => {
    const { replica, echo } = openForTest()
    replica.writeBatch({ id: 'batch', ops: move, separate: true })
    echo('set', 'tasks/1/state', 'done', 'b1')
    expect(() =>
      replica.transaction(() => {
        throw new Error('expected')
      }),
    ).toThrow('expected')
    replica.sync.ackBatch('batch', [1, 2, 3])
    expect(replica.export().outbox).toMatchObject([
      { opId: 'b2', ackedSeq: 2 },
      { opId: 'b3', ackedSeq: 3 },
    ])
  })

  it('comes to a batch that has survived a restart', () => {
    const { driver, replica } = openForTest()
    replica.writeBatch({ id: 'batch', ops: move, separate: true })
    const { replica: reopened } = openForTest(driver)
    expect(reopened.sync.outbox(0, 1)).toEqual(replica.sync.outbox(0, 1))
    reopened.sync.rejectBatch('batch', refusal, 0)
    expect([reopened.pending().count, reopened.rejectionCount()]).toEqual([0, 3])
  })
})

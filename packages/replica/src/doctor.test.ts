import { describe, expect, it } from 'vitest'
import type { LocalOp } from './local-op.js'
import { openForTest } from './testing/open-for-test.js'

const increment = (opId: string): LocalOp => ({ op: 'increment', path: 'n', value: 1, opId })

function openSound() {
  const opened = openForTest()
  opened.event('set', 'a', { b: 1, c: 'x' })
  opened.replica.write({ op: 'set', path: 'k', value: 1, opId: 'o1' })
  opened.replica.write({ op: 'set', path: 'k', value: 2, opId: 'o2', ifMatch: 0 })
  opened.replica.writeBatch({ id: 'batch', ops: [increment('b1'), increment('b2')], separate: false })
  return opened
}

describe('a replica that checks itself', () => {
  it('finds nothing wrong when nothing is', () => {
    const { replica } = openSound()
    expect(replica.check()).toEqual({ ok: true, problems: [], problemCount: 0, entries: 2, pending: 4 })
  })

  it('takes the envelope of a type that it does not know for the leaf that it is', () => {
    const { event, replica } = openSound()
    event('set', 'price', { _type: 'money', _typed: '3 EUR' })
    expect(replica.entry('price')).toMatchObject({ type: 'map' })
    expect(replica.check()).toMatchObject({ ok: true, problems: [], entries: 3 })
  })

  it.each([
    ["update entries set value = '{' where path = 'a/b'", 'a/b'],
    ["update entries set type = 'map' where path = 'a/b'", 'a/b'],
    ["update entries set seq = 7 where path = 'a/b'", 'a/b'],
    ["insert into entries values ('a//b', '1', 'integer', 1, null)", 'a//b'],
  ])('names a row that a resync has to mend: %s', (damage, at) => {
    const { driver, replica } = openSound()
    driver.exec(damage)
    expect(replica.check()).toMatchObject({ ok: false, problems: [{ code: 'bad_row', at, repaired: false }] })
  })

  it.each([
    ["update outbox set waits_for = 'nobody' where op_id = 'o2'", 'bad_waits_for'],
    ["update outbox set position = 99 where op_id = 'b2'", 'bad_batch'],
    ["insert into replaced values (77, 'o0')", 'stray_rows'],
    ["insert into staged values ('x', '1', 'integer', 1, null)", 'stray_rows'],
  ])('mends what can be derived: %s', (damage, code) => {
    const { driver, replica } = openSound()
    driver.exec(damage)
    const report = replica.check()
    expect(report).toMatchObject({ ok: true })
    expect(report.problems[0]).toMatchObject({ code, repaired: true })
    expect(replica.check()).toMatchObject({ problemCount: 0 })
  })

  it('takes memory to what the database has', () => {
    const { driver, replica } = openSound()
    const flushes: boolean[] = []
    replica.onEvents((_, { incomplete }) => flushes.push(incomplete))
    driver.exec("delete from outbox where op_id = 'b2'; update entries set value = '5' where path = 'a/b'")
    expect(replica.check().problems.map(({ code }) => code)).toEqual(['outbox_differs', 'overlay_differs'])
    expect([replica.get('n'), replica.pending().count]).toEqual([1, 3])
    expect(replica.check()).toMatchObject({ problemCount: 0 })
    // Whoever follows has to read anew, once.
    expect(flushes).toEqual([true])
  })

  it('tells the first hundred of many', () => {
    const { driver, replica } = openForTest()
    replica.sync.applySnapshot(
      1,
      Array.from({ length: 2_500 }, (_, i) => ({
        path: `k${i}`,
        value: i,
        type: 'integer' as const,
        seq: 1,
      })),
    )
    driver.exec("update entries set type = 'nonsense'")
    const report = replica.check()
    expect([report.problems.length, report.problemCount, report.entries]).toEqual([100, 2_500, 2_500])
  })
})

describe('export', () => {
  it('has all that the replica holds, as plain data', () => {
    const { replica } = openSound()
    replica.sync.ack('o1', 4)
    replica.sync.setServer({ incarnation: 'one', extensions: [] })
    expect(structuredClone(replica.export())).toMatchObject({
      version: 1,
      store: 'o/s',
      cursor: 1,
      incarnation: 'one',
      entries: [
        { path: 'a/b', value: 1, type: 'integer', seq: 1 },
        { path: 'a/c', value: 'x', type: 'string', seq: 1 },
      ],
      outbox: [
        { opId: 'o1', op: 'set', path: 'k', value: 1, ackedSeq: 4 },
        { opId: 'o2', ifMatch: 4, ackedSeq: null },
        { opId: 'b1', batchId: 'batch' },
        { opId: 'b2', batchId: 'batch' },
      ],
      rejections: [],
    })
  })

  it('in steps lets others write in between, and takes what they did for no fault', () => {
    const { replica, event } = openForTest()
    replica.sync.applySnapshot(
      1,
      Array.from({ length: 3_500 }, (_, i) => ({ path: `p/${i}`, value: i, type: 'integer' as const })),
    )
    replica.write(increment('o0'))
    const steps = replica.checkSteps()
    let taken = 0
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) {
        expect(step.value).toMatchObject({ ok: true, problemCount: 0 })
        break
      }
      taken += 1
      replica.write({ op: 'set', path: `p/${taken * 300}`, value: 'mine', opId: `o${taken}` })
      event('set', `q/${taken}`, taken)
    }
    expect(taken).toBeGreaterThan(6)
  })
})

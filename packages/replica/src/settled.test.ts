import { describe, expect, it } from 'vitest'
import type { Verdict } from './events.js'
import { openSchema } from './schema.js'
import { createSettled } from './settled.js'
import { openBetterSqlite } from './testing/better-sqlite.js'

function open() {
  const driver = openBetterSqlite()
  openSchema(driver, 'o/s')
  return driver
}

const committed = (revision: number): Verdict => ({ state: 'committed', revision })

describe('verdicts', () => {
  it('are known to the next leader, whatever the ids are', () => {
    const driver = open()
    const settled = createSettled(driver)
    const ids = ['op_1', '17', '__proto__', 'with "quotes" and \\', 'with\nlines', 'with \u0000', 'ü 😀', '']
    ids.forEach((id, i) => {
      settled.add(id, committed(i + 1))
    })
    const rejected: Verdict = {
      state: 'rejected',
      error: { name: 'ConflictError', code: 'conflict', message: 'No.', fields: { currentRevision: 3 } },
    }
    settled.add('refused', rejected)
    const next = createSettled(driver)
    expect(ids.map((id) => next.get(id))).toEqual(ids.map((_, i) => committed(i + 1)))
    expect(next.get('refused')).toEqual(rejected)
    expect(next.get('constructor')).toBeUndefined()
  })

  it('of the newest 5,000 ops and a few more are kept, in memory and on the disk', () => {
    const driver = open()
    const settled = createSettled(driver)
    const count = 6_000
    driver.transaction(() => {
      for (let i = 1; i <= count; i++) settled.add(`op_${i}`, committed(i))
    })
    for (const one of [settled, createSettled(driver)]) {
      expect(one.get('op_1000')).toBeUndefined()
      expect(one.get('op_1001')).toEqual(committed(1001))
      expect(one.get(`op_${count}`)).toEqual(committed(count))
    }
  })

  it('of an op that was rescued twice are known as the newest says, and the next finds its place', () => {
    const driver = open()
    const insert = 'insert into settled (position, op_id, revision) values (?, ?, ?)'
    for (const row of [
      [1, 'op_1', 1],
      [2, 'op_2', 2],
      [3, 'op_1', 3],
    ])
      driver.run(insert, row)
    const settled = createSettled(driver)
    settled.add('op_3', committed(4))
    expect(['op_1', 'op_2', 'op_3'].map((id) => createSettled(driver).get(id))).toEqual(
      [3, 2, 4].map(committed),
    )
  })

  it('that a transaction took back are not known', () => {
    const driver = open()
    const settled = createSettled(driver)
    settled.add('op_1', committed(1))
    const refused = () =>
      driver.transaction(() => {
        settled.add('op_2', committed(2))
        throw new Error('of the test')
      })
    expect(refused).toThrow('of the test')
    settled.reload()
    expect([settled.get('op_1'), settled.get('op_2')]).toEqual([committed(1), undefined])
    settled.add('op_3', committed(3))
    expect(createSettled(driver).get('op_3')).toEqual(committed(3))
  })
})

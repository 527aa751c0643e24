import { expect, test } from 'vitest'
import { createBusy } from './busy.js'

function setUp() {
  const told: (boolean | string)[] = []
  const later: (() => void)[] = []
  const busy = createBusy({ announce: (is) => told.push(is), defer: (run) => later.push(run) })
  const turn = (): void => {
    for (const run of later.splice(0)) run()
  }
  return { told, busy, turn }
}

test('it is told before the work, and no more when what came of it has been sent', () => {
  const { told, busy, turn } = setUp()
  expect(busy.during(() => told.push('work'))).toBe(2)
  expect(told).toEqual([true, 'work'])
  turn()
  expect(told).toEqual([true, 'work', false])
})

test('several works are one time', () => {
  const { told, busy, turn } = setUp()
  const [endOne, endOther] = [busy.begin(), busy.begin()]
  endOne()
  endOne()
  turn()
  expect(told).toEqual([true])
  endOther()
  turn()
  expect(told).toEqual([true, false])
})

test('work that fails ends all the same', () => {
  const { told, busy, turn } = setUp()
  expect(() =>
    busy.during(() => {
      throw new Error('no')
    }),
  ).toThrow('no')
  turn()
  expect(told).toEqual([true, false])
})

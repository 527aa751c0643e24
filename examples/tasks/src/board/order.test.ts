import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareOrder, isOrderKey, keysAtEnd, type Ordered, placeAt } from './order.js'

/** Applies a placement the way the board does: the new thing, and the rekeyed neighbours. */
function insert(items: readonly Ordered[], index: number, id: string): Ordered[] {
  const { order, rekeyed } = placeAt(items, index)
  const keys = new Map(rekeyed.map((item) => [item.id, item.order]))
  const rest = items.map((item) => ({ id: item.id, order: keys.get(item.id) ?? item.order }))
  return [...rest, { id, order }].sort(compareOrder)
}

test('anything can be put anywhere', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 60 }), (places) => {
      let items: Ordered[] = []
      let model: string[] = []
      places.forEach((place, i) => {
        const index = place % (items.length + 1)
        items = insert(items, index, `t${i}`)
        model = model.toSpliced(index, 0, `t${i}`)
      })
      expect(items.map(({ id }) => id)).toEqual(model)
    }),
  )
})

test('between two things with the same key', () => {
  const items = ['a', 'b', 'c', 'd'].map((id) => ({ id, order: id === 'd' ? 'a1' : 'a0' }))
  for (let index = 0; index <= items.length; index++) {
    const expected = ['a', 'b', 'c', 'd'].toSpliced(index, 0, 'new')
    expect(insert(items, index, 'new').map(({ id }) => id)).toEqual(expected)
  }
})

test('among things whose keys cannot be used', () => {
  const items = ['a', 'b', 'c'].map((id) => ({ id, order: id === 'a' ? 'a0' : '~' }))
  for (let index = 0; index <= items.length; index++) {
    const expected = ['a', 'b', 'c'].toSpliced(index, 0, 'new')
    expect(insert(items, index, 'new').map(({ id }) => id)).toEqual(expected)
  }
})

test('only the moved thing gets a key where there is room', () => {
  const items = keysAtEnd([], 3).map((order, i) => ({ id: `${i}`, order }))
  expect(placeAt(items, 1).rekeyed).toEqual([])
})

test('texts that are no keys are recognised', () => {
  expect(isOrderKey(keysAtEnd([], 1)[0])).toBe(true)
  for (const text of ['', 'a', '!', 'a00', undefined, 7]) expect(isOrderKey(text)).toBe(false)
})

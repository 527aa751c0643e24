import { describe, expect, it } from 'vitest'
import type { Op } from '../op.js'
import { createModelStore } from './model-store.js'

const set = (path: string, opId: string, rest: Partial<Op> = {}): Op => ({
  op: 'set',
  path,
  value: 1,
  opId,
  ...rest,
})

describe('the model store', () => {
  it('applies a batch in order, each op on top of those before it', () => {
    const store = createModelStore()
    const result = store.applyBatch([set('a', '1'), set('a', '2', { ifMatch: 1, value: 2 })])
    expect(result.ok).toBe(true)
    expect(store.head).toBe(2)
    expect(store.read('a')).toBe(2)
  })

  it('applies nothing of a batch that has an op refused', () => {
    const store = createModelStore()
    store.apply(set('a', '0'))
    const before = { entries: store.entries(), log: [...store.log], digest: store.digest() }
    expect(
      store.applyBatch([
        set('a/b', '1'),
        { ...set('a', '2'), op: 'delete', value: null },
        set('c', '3', { ifMatch: 9 }),
      ]),
    ).toEqual({
      ok: false,
      index: 2,
      rejection: { reason: 'conflict', current_revision: null },
    })
    expect({ entries: store.entries(), log: [...store.log], digest: store.digest() }).toEqual(before)
    expect(store.head).toBe(1)
  })

  it('has the digest of its entries, however they came about', () => {
    const [one, other] = [createModelStore(), createModelStore()]
    one.apply(set('x', '1'))
    one.apply({ ...set('x', '2'), op: 'delete', value: null })
    one.apply(set('a', '3'))
    other.replay({ seq: 3, op: 'set', path: 'a', value: 1 })
    expect(one.digest()).toBe(other.digest())
    other.replay({ seq: 4, op: 'set', path: 'a', value: 1 })
    expect(one.digest()).not.toBe(other.digest())
  })
})

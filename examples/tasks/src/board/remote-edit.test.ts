import { expect, test } from 'vitest'
import { describeRemoteEdit } from './remote-edit.js'

const names = (id: string): string | undefined => (id === 'w2' ? 'Amber Otter' : undefined)
const merge = { op: 'merge', catchUp: false } as const

test('an edit of another window, with its name where it is known', () => {
  const title = { ...merge, value: { title: 'x', by: 'w2' } }
  expect(describeRemoteEdit(title, 'w1', names)).toBe('Edited just now · Amber Otter (other window)')
  expect(describeRemoteEdit({ ...merge, value: { done: true, by: 'w3' } }, 'w1', names)).toBe(
    'Completed just now · other window',
  )
  expect(describeRemoteEdit({ ...merge, value: { list: 'l', order: 'a0', by: 'w2' } }, 'w1', names)).toMatch(
    /^Moved/,
  )
  expect(describeRemoteEdit({ op: 'set', catchUp: true, value: { title: 'x', by: 'w2' } }, 'w1', names)).toBe(
    'Added while this window was away',
  )
})

test('own edits, deletions and rejections are not announced', () => {
  expect(describeRemoteEdit({ ...merge, value: { title: 'x', by: 'w1' } }, 'w1', names)).toBeUndefined()
  expect(describeRemoteEdit({ op: 'delete', catchUp: false, value: null }, 'w1', names)).toBeUndefined()
  expect(describeRemoteEdit({ ...merge, value: { order: 'a0' } }, 'w1', names)).toBeUndefined()
})

import { expect, test } from 'vitest'
import { findTask, readBoard, STRAY_LIST } from './model.js'

function entries(tree: Record<string, unknown>): { path: string; value: unknown; pending: boolean }[] {
  return Object.entries(tree).map(([path, value]) => ({ path: `board/${path}`, value, pending: false }))
}

const twoLists = {
  'lists/l1/title': 'Later',
  'lists/l1/order': 'a1',
  'lists/l2/title': 'Now',
  'lists/l2/order': 'a0',
}

function task(id: string, fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [`tasks/${id}/${field}`, value]))
}

test('lists and tasks come in their order, with the open tasks counted', () => {
  const board = readBoard(
    entries({
      ...twoLists,
      ...task('t1', { title: 'second', list: 'l1', order: 'a1', done: false }),
      ...task('t2', { title: 'first', list: 'l1', order: 'a0', done: true }),
      'stats/completed': 12,
    }),
  )
  expect(board.lists.map(({ title, open }) => [title, open])).toEqual([
    ['Now', 0],
    ['Later', 1],
  ])
  expect(board.lists[1]?.tasks.map(({ title }) => title)).toEqual(['first', 'second'])
  expect(board.completed).toBe(12)
})

test('a task whose list was deleted elsewhere is still shown', () => {
  const board = readBoard(
    entries({ ...twoLists, ...task('t1', { title: 'lost?', list: 'gone', order: 'a0' }) }),
  )
  expect(board.lists.at(-1)).toMatchObject({ id: STRAY_LIST, stray: true, tasks: [{ title: 'lost?' }] })
})

test('what an edit left of a deleted task is shown only when it has a title', () => {
  const board = readBoard(
    entries({ ...twoLists, ...task('t1', { done: true }), ...task('t2', { title: 'kept' }) }),
  )
  expect(findTask(board, 't1')).toBeUndefined()
  expect(findTask(board, 't2')?.list).toBe(STRAY_LIST)
})

test('odd leaves of other apps do no harm', () => {
  const board = readBoard(
    entries({ lists: 1, 'tasks/x': true, 'tasks/t/title': 5, 'lists/l/order': {}, other: null }),
  )
  expect(board).toEqual({ lists: [], completed: 0 })
})

test('one pending leaf makes the task pending', () => {
  const leaves = entries({ ...twoLists, ...task('t1', { title: 'x', list: 'l1', order: 'a0', done: false }) })
  const board = readBoard(leaves.map((leaf) => ({ ...leaf, pending: leaf.path.endsWith('done') })))
  expect(findTask(board, 't1')?.pending).toBe(true)
  expect(board.lists.map(({ pending }) => pending)).toEqual([false, false])
})

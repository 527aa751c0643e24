import type { Store, Write } from '@dustlayer/client'
import { newId } from '../shell/identity.js'
import { exampleBoard } from './example-board.js'
import type { List, Task } from './model.js'
import { compareOrder, keysAtEnd, type Ordered, placeAt } from './order.js'

/** What people do on the board, as Dust ops. Every op changes only the leaves it is about, so that edits of different fields of one task, made in different windows, both survive. */
export interface BoardActions {
  addList(title: string, lists: readonly List[]): string
  renameList(list: List, title: string): void
  /** Moves a list to a place among the others. */
  moveList(list: List, others: readonly List[], index: number): void
  /** Deletes a list with its tasks. Returns what brings them back. */
  deleteList(list: List): () => void
  addTask(title: string, list: List): void
  renameTask(task: Task, title: string): void
  setDone(task: Task, done: boolean): void
  /** Moves a task to a place in a list; `others` are the list's tasks without it. */
  moveTask(task: Task, list: string, others: readonly Task[], index: number): void
  /** Deletes a task. Returns what brings it back. */
  deleteTask(task: Task): () => void
  addExample(): void
}

/**
 * @param by the id of this window: it travels in each task, so that other windows can say who edited it
 * @param report hears of each write that failed, here or at the server
 */
export function createBoardActions(
  store: Store,
  by: string,
  report: (what: string, error: unknown) => void,
): BoardActions {
  /** Every write has two answers: durable here, and accepted by the server. Both are awaited, neither is waited for. */
  const send = (what: string, ...writes: readonly Write[]): void => {
    for (const write of writes) {
      Promise.all([write, write.committed]).catch((error: unknown) => report(`${what} was not saved`, error))
    }
  }
  const taskPath = (id: string): string => `board/tasks/${id}`
  const listPath = (id: string): string => `board/lists/${id}`
  const putTask = ({ id, title, list, order, done }: Task): Write =>
    store.put(taskPath(id), { title, list, order, done, by })
  const putList = ({ id, title, order }: List): Write => store.put(listPath(id), { title, order })
  const rekey = (path: (id: string) => string, items: readonly Ordered[]): Write[] =>
    items.map(({ id, order }) => store.merge(path(id), { order }))

  return {
    addList(title, lists) {
      const [order = ''] = keysAtEnd(lists, 1)
      const id = newId()
      send(`The list “${title}”`, store.put(listPath(id), { title, order }))
      return id
    },
    renameList(list, title) {
      send(`The new name of “${list.title}”`, store.merge(listPath(list.id), { title }))
    },
    moveList(list, others, index) {
      const { order, rekeyed } = placeAt(others, index)
      send(
        `The move of “${list.title}”`,
        store.merge(listPath(list.id), { order }),
        ...rekey(listPath, rekeyed),
      )
    },
    deleteList(list) {
      const gone = [
        store.delete(listPath(list.id)),
        ...list.tasks.map(({ id }) => store.delete(taskPath(id))),
      ]
      send(`Deleting “${list.title}”`, ...gone)
      return () => send(`The list “${list.title}”`, putList(list), ...list.tasks.map(putTask))
    },
    addTask(title, list) {
      const [order = ''] = keysAtEnd(list.tasks, 1)
      send(`“${title}”`, store.put(taskPath(newId()), { title, list: list.id, order, done: false, by }))
    },
    renameTask(task, title) {
      send(`The new title of “${task.title}”`, store.merge(taskPath(task.id), { title, by }))
    },
    setDone(task, done) {
      send(`“${task.title}”`, store.merge(taskPath(task.id), { done, by }))
      // Both writes of this tick become durable together, and the server applies each once however often it is resent:
      // the counter counts every completion exactly once, offline and with any number of windows adding at a time.
      if (done) send('The count of completed tasks', store.increment('board/stats/completed'))
    },
    moveTask(task, list, others, index) {
      const { order, rekeyed } = placeAt(others, index)
      // Within a list, the list is not written: a move to another list made elsewhere at the same time then wins.
      const fields = list === task.list ? { order, by } : { list, order, by }
      send(`The move of “${task.title}”`, store.merge(taskPath(task.id), fields), ...rekey(taskPath, rekeyed))
    },
    deleteTask(task) {
      send(`Deleting “${task.title}”`, store.delete(taskPath(task.id)))
      return () => send(`“${task.title}”`, putTask(task))
    },
    addExample() {
      for (const list of exampleBoard(newId)) {
        send('The example board', putList(list), ...[...list.tasks].sort(compareOrder).map(putTask))
      }
    },
  }
}

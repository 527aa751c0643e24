import type { List } from './model.js'
import { keysAtEnd } from './order.js'

const LISTS = [
  ['To do', ['Open this page in a second window', 'Drag a card to another list', 'Click a title to edit it']],
  ['Doing', ['Flip the offline switch, keep working, flip it back', 'Stop the server and reload this page']],
  ['Done', ['Start the server']],
] as const

/** A small board to try things on. */
export function exampleBoard(newId: () => string): List[] {
  const listKeys = keysAtEnd([], LISTS.length)
  return LISTS.map(([title, titles], l) => {
    const id = newId()
    const keys = keysAtEnd([], titles.length)
    const done = title === 'Done'
    const tasks = titles.map((text, t) => ({
      id: newId(),
      title: text,
      list: id,
      order: keys[t] ?? '',
      done,
      pending: true,
    }))
    const open = done ? 0 : tasks.length
    return { id, title, order: listKeys[l] ?? '', tasks, open, pending: true, stray: false }
  })
}

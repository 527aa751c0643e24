import type { Announce } from '../shell/announce.js'
import { h, placeChildren, setText } from '../shell/dom.js'
import { icon } from '../shell/icons.js'
import type { ShowToast } from '../shell/toast.js'
import type { BoardActions } from './actions.js'
import { enableDragging } from './drag.js'
import { glide } from './flip.js'
import { createListColumn, type ListColumn } from './list-column.js'
import { type Board, findTask, type List, type Task } from './model.js'
import { initials, type Peer } from './presence-model.js'
import { createTaskCard, type Direction, type TaskCard } from './task-card.js'

export interface BoardPageOptions {
  readonly actions: BoardActions
  readonly toast: ShowToast
  readonly announce: Announce
  editing(task: string | null): void
}

export interface BoardPage {
  readonly element: HTMLElement
  /** `hints`: what somebody else did to tasks, by their ids. */
  show(board: Board, hints: ReadonlyMap<string, string>): void
  showPeers(peers: readonly Peer[]): void
}

const UNDO_MS = 8_000

/** The board: columns of cards, kept in step with what {@link BoardPage.show} is given. */
export function createBoardPage({ actions, toast, announce, editing }: BoardPageOptions): BoardPage {
  const columns = new Map<string, ListColumn>()
  const cards = new Map<string, TaskCard>()
  let board: Board = { lists: [], completed: 0 }
  let latest = board
  let held = false
  let hints: ReadonlyMap<string, string> = new Map()
  let peers: readonly Peer[] = []

  const newListField = h('input', {
    class: 'new-list-field',
    name: 'title',
    'aria-label': 'Name of a new list',
    placeholder: 'Add a list',
    autocomplete: 'off',
    maxlength: 200,
  })
  const newList = h(
    'form',
    { class: 'new-list', onsubmit: addList },
    newListField,
    h('button', { class: 'icon-button', type: 'submit', 'aria-label': 'Add list' }, icon('plus')),
  )
  const lists = h('div', { class: 'lists' })
  const empty = emptyBoard(
    () => actions.addExample(),
    () => newListField.focus(),
  )
  const completed = h('span', {
    class: 'completed',
    title: 'A Dust counter: every completion counts once, wherever and whenever it is made',
  })
  const people = h('ul', { class: 'people', 'aria-label': 'Other windows' })
  const scroller = h('div', { class: 'board-scroller' }, lists, newList)
  const element = h(
    'main',
    { class: 'board', id: 'board' },
    h('div', { class: 'board-top' }, h('h1', {}, 'Board'), completed, people),
    empty,
    scroller,
  )

  enableDragging({
    board: scroller,
    dragging(active) {
      held = active
      if (!active && latest !== board) render(latest)
    },
    drop(id, { list, index }) {
      const task = findTask(board, id)
      if (task) moveTo(task, list, index)
    },
  })

  function addList(event: SubmitEvent): void {
    event.preventDefault()
    const title = newListField.value.replace(/\s+/g, ' ').trim()
    if (title === '') return
    newListField.value = ''
    actions.addList(title, known())
    announce(`List ${title} added.`)
  }

  const known = (): readonly List[] => board.lists.filter(({ stray }) => !stray)
  const listOf = (id: string): List | undefined => board.lists.find((list) => list.id === id)

  function moveTo(task: Task, listId: string, index: number): void {
    const list = listOf(listId)
    if (list === undefined) return
    const place = list.tasks.findIndex(({ id }) => id === task.id)
    if (place === index) return
    const others = list.tasks.filter(({ id }) => id !== task.id)
    actions.moveTask(task, listId, others, index)
    announce(`${task.title} moved to ${list.title}, place ${index + 1} of ${others.length + 1}.`)
  }

  function moveByStep(id: string, direction: Direction): void {
    const task = findTask(board, id)
    if (task === undefined) return
    const column = board.lists.findIndex((list) => list.id === task.list)
    const list = board.lists[column]
    const place = list?.tasks.indexOf(task) ?? 0
    if (direction === 'up' || direction === 'down') {
      const index = place + (direction === 'up' ? -1 : 1)
      if (index >= 0 && index < (list?.tasks.length ?? 0)) moveTo(task, task.list, index)
      return
    }
    const next = board.lists[column + (direction === 'left' ? -1 : 1)]
    if (next && !next.stray) moveTo(task, next.id, Math.min(place, next.tasks.length))
  }

  const cardHandlers = {
    rename(id: string, title: string) {
      const task = findTask(board, id)
      if (task) actions.renameTask(task, title)
    },
    setDone(id: string, done: boolean) {
      const task = findTask(board, id)
      if (task === undefined || task.done === done) return
      actions.setDone(task, done)
      announce(`${task.title} ${done ? 'completed' : 'reopened'}.`)
    },
    move: moveByStep,
    remove(id: string) {
      const task = findTask(board, id)
      if (task === undefined) return
      focusBeside(id)
      const restore = actions.deleteTask(task)
      toast({ text: `Deleted “${task.title}”.`, action: { label: 'Undo', run: restore }, lasts: UNDO_MS })
    },
    editing,
  }

  const listHandlers = {
    rename(id: string, title: string) {
      const list = listOf(id)
      if (list) actions.renameList(list, title)
    },
    move(id: string, step: -1 | 1) {
      const all = known()
      const list = listOf(id)
      const index = all.findIndex((other) => other.id === id) + step
      if (list === undefined || index < 0 || index >= all.length) return
      actions.moveList(
        list,
        all.filter((other) => other !== list),
        index,
      )
      announce(`${list.title} moved to place ${index + 1} of ${all.length}.`)
    },
    remove(id: string) {
      const list = listOf(id)
      if (list === undefined) return
      const restore = actions.deleteList(list)
      const tasks = list.tasks.length === 1 ? '1 task' : `${list.tasks.length} tasks`
      toast({
        text: `Deleted “${list.title}” with ${tasks}.`,
        action: { label: 'Undo', run: restore },
        lasts: UNDO_MS,
      })
      newListField.focus()
    },
    addTask(id: string, title: string) {
      const list = listOf(id)
      if (list) actions.addTask(title, list)
    },
  }

  /** When the card with the focus goes, the focus goes to its neighbour and not to the top of the page. */
  function focusBeside(id: string): void {
    const task = findTask(board, id)
    const list = task && listOf(task.list)
    if (task === undefined || list === undefined) return
    const place = list.tasks.indexOf(task)
    const beside = list.tasks[place + 1] ?? list.tasks[place - 1]
    if (beside) cards.get(beside.id)?.focus()
    else columns.get(list.id)?.focusNewTask()
  }

  function render(next: Board): void {
    board = next
    const focused = document.activeElement
    glide(
      () => element.querySelectorAll<HTMLElement>('.list, .task'),
      () => {
        for (const list of board.lists) showList(list)
        placeChildren(
          lists,
          board.lists.flatMap(({ id }) => columns.get(id)?.element ?? []),
        )
      },
    )
    dropMissing()
    for (const [id, text] of hints) cards.get(id)?.hint(text)
    hints = new Map()
    // A card that went to another column lost the focus on its way.
    if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected)
      focused.focus()
    empty.hidden = board.lists.length > 0
    element.classList.toggle('is-empty', board.lists.length === 0)
    setText(completed, `${board.completed.toLocaleString()} completed so far`)
    completed.hidden = board.completed === 0
  }

  function showList(list: List): void {
    const column = columns.get(list.id) ?? createListColumn(list.id, listHandlers)
    columns.set(list.id, column)
    const own = list.tasks.map((task) => {
      const card = cards.get(task.id) ?? createTaskCard(task.id, cardHandlers)
      cards.set(task.id, card)
      card.update(
        task,
        peers.filter((peer) => peer.task === task.id),
      )
      return card
    })
    column.update(list, own)
  }

  function dropMissing(): void {
    const lists = new Set(board.lists.map(({ id }) => id))
    const tasks = new Set(board.lists.flatMap((list) => list.tasks.map(({ id }) => id)))
    for (const id of columns.keys()) if (!lists.has(id)) columns.delete(id)
    for (const id of cards.keys()) if (!tasks.has(id)) cards.delete(id)
  }

  return {
    element,
    show(next, news) {
      latest = next
      hints = new Map([...hints, ...news])
      if (!held) render(next)
    },
    showPeers(next) {
      peers = next
      placeChildren(people, peers.map(personBadge))
      if (!held) render(board)
    },
  }
}

function personBadge({ name, hue, task }: Peer): HTMLElement {
  const label = task === null ? `${name} is here` : `${name} is editing`
  const badge = h(
    'li',
    { class: task === null ? 'person' : 'person is-busy', title: label },
    h('span', { 'aria-hidden': 'true' }, initials(name)),
    h('span', { class: 'visually-hidden' }, label),
  )
  badge.style.setProperty('--peer-hue', String(hue))
  return badge
}

function emptyBoard(addExample: () => void, startOwn: () => void): HTMLElement {
  return h(
    'section',
    { class: 'empty', hidden: true },
    h('h2', {}, 'A board that does not mind the network'),
    h(
      'p',
      {},
      'What you write is saved on this device first, and shared with every other window as soon as the server can be reached.',
    ),
    h(
      'div',
      { class: 'empty-actions' },
      h('button', { class: 'primary', type: 'button', onclick: startOwn }, 'Add the first list'),
      h('button', { class: 'secondary', type: 'button', onclick: addExample }, 'Load an example board'),
    ),
  )
}

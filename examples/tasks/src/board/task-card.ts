import { h, setText } from '../shell/dom.js'
import { type IconName, icon } from '../shell/icons.js'
import type { Task } from './model.js'
import type { Peer } from './presence-model.js'
import { titleEditor } from './title-editor.js'

export type Direction = 'up' | 'down' | 'left' | 'right'

export interface TaskCardHandlers {
  rename(id: string, title: string): void
  setDone(id: string, done: boolean): void
  move(id: string, direction: Direction): void
  remove(id: string): void
  editing(id: string | null): void
}

export interface TaskCard {
  readonly element: HTMLLIElement
  update(task: Task, editors: readonly Peer[]): void
  /** Shows for a moment what somebody else did to this task. */
  hint(text: string): void
  focus(): void
}

const HINT_MS = 6_000

const MOVES: readonly [Direction, string, string][] = [
  ['left', 'Move to the list on the left', 'Alt+ArrowLeft'],
  ['up', 'Move up', 'Alt+ArrowUp'],
  ['down', 'Move down', 'Alt+ArrowDown'],
  ['right', 'Move to the list on the right', 'Alt+ArrowRight'],
]

/** One task. It is created once and updated, so that the focus and a half-typed title survive whatever others do. */
export function createTaskCard(id: string, handlers: TaskCardHandlers): TaskCard {
  let task: Task | undefined
  let hintTimer: ReturnType<typeof setTimeout> | undefined

  const checkbox = h('input', {
    type: 'checkbox',
    class: 'task-check',
    onchange: () => handlers.setDone(id, checkbox.checked),
  })
  const title = h('button', { class: 'task-title', type: 'button', title: 'Edit', onclick: edit })
  const pendingDot = h('span', {
    class: 'pending-dot',
    title: 'Saved on this device, not sent yet',
    role: 'img',
    'aria-label': 'not sent yet',
    hidden: true,
  })
  const note = h('p', { class: 'task-note', hidden: true })
  const editors = h('p', { class: 'task-editors', hidden: true })
  const actions = h(
    'div',
    { class: 'task-actions', role: 'group', 'aria-label': 'Actions', hidden: true },
    ...MOVES.map(([direction, label, keys]) =>
      action(direction, label, keys, () => handlers.move(id, direction)),
    ),
    action('trash', 'Delete', 'Delete', () => handlers.remove(id)),
  )
  const more = h(
    'button',
    {
      class: 'icon-button task-more',
      type: 'button',
      'aria-label': 'Actions',
      'aria-expanded': 'false',
      onclick: toggleActions,
    },
    icon('more'),
  )
  const grip = h('span', { class: 'task-grip', 'aria-hidden': 'true' }, icon('grip'))
  const head = h('div', { class: 'task-head' }, grip, checkbox, title, pendingDot, more)
  const element = h('li', { class: 'task', 'data-task': id, onkeydown: onKey }, head, editors, note, actions)

  function action(name: IconName, label: string, keys: string, run: () => void): HTMLButtonElement {
    const attributes = {
      class: 'icon-button',
      type: 'button',
      'aria-label': label,
      title: label,
      'aria-keyshortcuts': keys,
    }
    return h('button', { ...attributes, onclick: run }, icon(name))
  }

  function toggleActions(): void {
    actions.hidden = !actions.hidden
    more.setAttribute('aria-expanded', String(!actions.hidden))
  }

  function edit(): void {
    if (task === undefined) return
    const field = titleEditor({
      title: task.title,
      label: `Title of ${task.title}`,
      class: 'task-title-field',
      commit: (text) => handlers.rename(id, text),
      done(byKey) {
        field.replaceWith(title)
        handlers.editing(null)
        if (byKey) title.focus()
      },
    })
    title.replaceWith(field)
    field.focus()
    field.select()
    handlers.editing(id)
  }

  function onKey(event: KeyboardEvent): void {
    const move = MOVES.find(([, , keys]) => event.altKey && keys === `Alt+${event.key}`)
    if (move) handlers.move(id, move[0])
    else if (event.key === 'Delete') handlers.remove(id)
    else return
    event.preventDefault()
  }

  return {
    element,
    update(next, peers) {
      task = next
      setText(title, next.title)
      checkbox.checked = next.done
      checkbox.setAttribute('aria-label', `Done: ${next.title}`)
      more.setAttribute('aria-label', `Actions for ${next.title}`)
      element.classList.toggle('is-done', next.done)
      pendingDot.hidden = !next.pending
      editors.hidden = peers.length === 0
      element.classList.toggle('is-edited', peers.length > 0)
      if (peers[0]) element.style.setProperty('--peer-hue', String(peers[0].hue))
      setText(editors, peers.length > 0 ? `${peers.map(({ name }) => name).join(', ')} is editing …` : '')
    },
    hint(text) {
      clearTimeout(hintTimer)
      setText(note, text)
      note.hidden = false
      element.classList.remove('is-flashing')
      // Reading the layout lets the same animation start again.
      void element.offsetWidth
      element.classList.add('is-flashing')
      hintTimer = setTimeout(() => {
        note.hidden = true
        element.classList.remove('is-flashing')
      }, HINT_MS)
    },
    focus: () => title.focus(),
  }
}

import { h, placeChildren, setText } from '../shell/dom.js'
import { type IconName, icon } from '../shell/icons.js'
import type { List } from './model.js'
import type { TaskCard } from './task-card.js'
import { titleEditor } from './title-editor.js'

export interface ListColumnHandlers {
  rename(id: string, title: string): void
  move(id: string, step: -1 | 1): void
  remove(id: string): void
  addTask(id: string, title: string): void
}

export interface ListColumn {
  readonly element: HTMLElement
  update(list: List, cards: readonly TaskCard[]): void
  focusNewTask(): void
}

/** One list with its tasks, and a field for the next one. */
export function createListColumn(id: string, handlers: ListColumnHandlers): ListColumn {
  let list: List | undefined
  const title = h('button', { class: 'list-title', type: 'button', title: 'Rename', onclick: edit })
  const heading = h('h2', { class: 'list-heading', id: `list-${id}` }, title)
  const count = h('span', { class: 'list-count' })
  const tools = h(
    'div',
    { class: 'list-tools', role: 'group' },
    tool('left', 'Move list left', () => handlers.move(id, -1)),
    tool('right', 'Move list right', () => handlers.move(id, 1)),
    tool('trash', 'Delete list', () => handlers.remove(id)),
  )
  const tasks = h('ol', { class: 'tasks', 'data-list': id })
  const field = h('input', {
    class: 'new-task-field',
    name: 'title',
    placeholder: 'Add a task',
    autocomplete: 'off',
    maxlength: 500,
    enterkeyhint: 'done',
  })
  const add = h('button', { class: 'icon-button', type: 'submit' }, icon('plus'))
  const form = h('form', { class: 'new-task', onsubmit: submit }, field, add)
  const header = h('header', { class: 'list-header' }, heading, count, tools)
  const element = h(
    'section',
    { class: 'list', 'aria-labelledby': `list-${id}`, 'data-column': id },
    header,
    tasks,
    form,
  )

  function tool(name: IconName, label: string, run: () => void): HTMLButtonElement {
    return h(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': label, title: label, onclick: run },
      icon(name),
    )
  }

  function edit(): void {
    if (list === undefined || list.stray) return
    const editor = titleEditor({
      title: list.title,
      label: `Name of the list ${list.title}`,
      class: 'list-title-field',
      commit: (text) => handlers.rename(id, text),
      done(byKey) {
        editor.replaceWith(title)
        if (byKey) title.focus()
      },
    })
    title.replaceWith(editor)
    editor.focus()
    editor.select()
  }

  function submit(event: SubmitEvent): void {
    event.preventDefault()
    const text = field.value.replace(/\s+/g, ' ').trim()
    if (text === '') return
    field.value = ''
    handlers.addTask(id, text)
  }

  return {
    element,
    update(next, cards) {
      list = next
      setText(title, next.title)
      setText(count, String(next.open))
      count.setAttribute('aria-label', `${next.open} open`)
      count.title = `${next.open} open of ${next.tasks.length}`
      tools.setAttribute('aria-label', `List ${next.title}`)
      field.setAttribute('aria-label', `Add a task to ${next.title}`)
      add.setAttribute('aria-label', `Add the task to ${next.title}`)
      tools.hidden = form.hidden = next.stray
      element.classList.toggle('is-stray', next.stray)
      placeChildren(
        tasks,
        cards.map((card) => card.element),
      )
    },
    focusNewTask: () => field.focus(),
  }
}

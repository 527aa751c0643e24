import { h } from '../shell/dom.js'

export interface TitleEditorOptions {
  readonly title: string
  readonly label: string
  readonly class: string
  commit(title: string): void
  /** Called once, after `commit` if the title changed. `byKey` when the keyboard ended it, so that the focus should stay near. */
  done(byKey: boolean): void
}

/** A field to edit a title in place: Enter or leaving it keeps the text, Escape does not, and an empty title changes nothing. */
export function titleEditor({
  title,
  label,
  class: name,
  commit,
  done,
}: TitleEditorOptions): HTMLTextAreaElement {
  let over = false
  const finish = (keep: boolean, byKey: boolean): void => {
    if (over) return
    over = true
    const text = field.value.replace(/\s+/g, ' ').trim()
    if (keep && text !== '' && text !== title) commit(text)
    done(byKey)
  }
  const field = h('textarea', {
    class: name,
    'aria-label': label,
    rows: 1,
    maxlength: 500,
    onblur: () => finish(true, false),
    onkeydown: (event: KeyboardEvent) => {
      event.stopPropagation()
      // Enter also ends a word in an input method; that one is not for us.
      if (event.key === 'Enter' && !event.isComposing) {
        event.preventDefault()
        finish(true, true)
      } else if (event.key === 'Escape') finish(false, true)
    },
  })
  field.value = title
  return field
}

import { h } from './dom.js'
import { icon } from './icons.js'

export interface Toast {
  readonly text: string
  readonly tone?: 'info' | 'error'
  readonly action?: { readonly label: string; run(): void }
  /** Milliseconds until it goes by itself; without it, it stays until somebody closes it. */
  readonly lasts?: number
}

/** Shows a message at the edge of the page. Returns what takes it away again. */
export type ShowToast = (toast: Toast) => () => void

/** Adds the page's corner for messages. */
export function createToaster(parent: Element): ShowToast {
  const corner = h('div', { class: 'toasts', role: 'region', 'aria-label': 'Messages' })
  parent.append(corner)
  return ({ text, tone = 'info', action, lasts }) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const dismiss = (): void => {
      clearTimeout(timer)
      element.remove()
    }
    const act = (): void => {
      dismiss()
      action?.run()
    }
    const button =
      action && h('button', { class: 'toast-action', type: 'button', onclick: act }, action.label)
    const close = h(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': 'Dismiss', onclick: dismiss },
      icon('close'),
    )
    const element = h(
      'div',
      { class: `toast toast-${tone}`, role: tone === 'error' ? 'alert' : 'status' },
      h('p', {}, text),
      button,
      close,
    )
    corner.append(element)
    if (lasts !== undefined) timer = setTimeout(dismiss, lasts)
    return dismiss
  }
}

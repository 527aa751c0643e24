import { h, setText } from '../shell/dom.js'
import { icon } from '../shell/icons.js'
import { type StatusFacts, statusWords } from './words.js'

export interface StatusBar {
  readonly element: HTMLElement
  show(facts: StatusFacts): void
  /** Says in plain words what went wrong; it stays until somebody dismisses it. */
  fail(text: string): void
}

/** The bar at the foot of the page: connection, changes to send, freshness, storage, role of the tab, errors, and the offline switch. */
export function createStatusBar(setOnline: (online: boolean) => void): StatusBar {
  let facts: StatusFacts | undefined
  let shownError = ''
  const dot = h('span', { class: 'status-dot', 'aria-hidden': 'true' })
  const part = (name: string): HTMLElement =>
    h('span', { class: `status-part status-${name}`, 'data-status': name })
  const [connection, pending, freshness, storage, tab] = [
    part('connection'),
    part('pending'),
    part('freshness'),
    part('storage'),
    part('tab'),
  ]
  const errorText = h('p', { role: 'alert' })
  const dismiss = h(
    'button',
    { class: 'icon-button', type: 'button', 'aria-label': 'Dismiss', onclick: () => fail('') },
    icon('close'),
  )
  const error = h('div', { class: 'status-error', hidden: true }, errorText, dismiss)
  const toggle = h('input', {
    type: 'checkbox',
    role: 'switch',
    id: 'offline',
    onchange: () => setOnline(!toggle.checked),
  })
  const label = h(
    'label',
    {
      class: 'offline-switch',
      for: 'offline',
      title: 'Takes Dust off the network, in every tab of this browser',
    },
    toggle,
    h('span', { class: 'switch-track', 'aria-hidden': 'true' }),
    'Work offline',
  )
  // Live only for the connection: counts and ages would make a screen reader talk all the time.
  connection.setAttribute('role', 'status')
  const line = h('div', { class: 'status-line' }, dot, connection, pending, freshness, storage, tab, label)
  const element = h('footer', { class: 'status-bar', 'aria-label': 'Sync status' }, error, line)

  const render = (): void => {
    if (facts === undefined) return
    const words = statusWords(facts, Date.now())
    element.dataset.tone = words.tone
    element.dataset.connection = facts.connection
    element.dataset.pending = String(facts.pending.count)
    setText(connection, words.connection)
    setText(pending, words.pending)
    setText(freshness, words.freshness)
    setText(storage, words.storage)
    storage.title = words.storageDetail
    setText(tab, words.tab)
    tab.title = words.tabDetail
    if (words.error !== shownError) fail(words.error)
    shownError = words.error
    toggle.checked = facts.switchedOff
  }
  const fail = (text: string): void => {
    setText(errorText, text)
    error.hidden = text === ''
  }
  // Ages grow by themselves.
  setInterval(render, 1_000)

  return {
    element,
    show(next) {
      facts = next
      render()
    },
    fail,
  }
}

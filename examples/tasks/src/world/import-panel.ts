import type { Store } from '@dustlayer/client'
import { h, setText } from '../shell/dom.js'
import { type ImportProgress, importWorld } from './import-world.js'

/** How much of the world is in the store. */
export type Extent = 'none' | 'part' | 'all'

export interface ImportPanel {
  readonly element: HTMLElement
  /** Whether an import is under way in this window. */
  readonly running: boolean
  show(extent: Extent): void
}

/** The invitation to import, and the progress while it runs: first to this device, then to the server. */
export function createImportPanel(
  store: Store,
  imported: () => void,
  report: (what: string, error: unknown) => void,
): ImportPanel {
  let extent: Extent = 'all'
  let running = false
  const saved = progressRow('On this device')
  const committed = progressRow('At the server')
  const progress = h('div', { class: 'import-progress' }, saved.element, committed.element)
  const heading = h('h2', {}, 'The world, in 23 languages')
  const text = h('p', {})
  const button = h(
    'button',
    { class: 'primary', type: 'button', onclick: () => void run() },
    'Import the world',
  )
  const source = h('p', { class: 'source' }, 'Data: mledoze/countries, Open Database License.')
  const actions = h('div', { class: 'empty-actions' }, button)
  const element = h('section', { class: 'empty import' }, heading, text, actions, progress, source)

  const layout = (): void => {
    element.hidden = extent === 'all' && !running
    element.classList.toggle('is-slim', extent !== 'none')
    heading.hidden = source.hidden = extent !== 'none'
    text.hidden = actions.hidden = extent !== 'none' && running
    progress.hidden = !running
    button.disabled = running
    setText(text, extent === 'part' ? PART : INVITATION)
  }
  const advance = ({ total, saved: here, committed: there }: ImportProgress): void => {
    saved.show(here, total)
    committed.show(there, total)
  }
  const run = async (): Promise<void> => {
    running = true
    layout()
    try {
      const { committed: all } = await importWorld(store, advance)
      imported()
      await all
    } catch (error) {
      report('The import was interrupted', error)
    } finally {
      running = false
      layout()
      imported()
    }
  }

  layout()
  return {
    element,
    get running() {
      return running
    },
    show(next) {
      extent = next
      layout()
    },
  }
}

const INVITATION =
  '250 countries as nested records, and an index over all their names: some 35,000 values, written to this device first and then to the server. Afterwards everything here is read locally, online or not.'
const PART =
  'Only a part of the world is here: an import is under way in another window, or it was interrupted.'

function progressRow(label: string): { element: HTMLElement; show(value: number, max: number): void } {
  const bar = h('progress', { 'aria-label': label })
  const number = h('span', { class: 'import-number' })
  return {
    element: h('div', { class: 'import-row' }, h('span', {}, label), bar, number),
    show(value, max) {
      bar.max = max
      bar.value = value
      setText(number, `${Math.round((value / max) * 100)} %`)
    },
  }
}

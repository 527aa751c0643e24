import type { Store } from '@dustlayer/client'
import { h, setText } from '../shell/dom.js'
import { icon } from '../shell/icons.js'
import { createRefresher } from '../shell/refresher.js'
import { countryDetail } from './country-detail.js'
import { countryList } from './country-list.js'
import {
  type CountryList,
  countriesByCode,
  countWorld,
  getCountry,
  listCountries,
  searchCountries,
} from './country-reads.js'
import { createImportPanel } from './import-panel.js'
import { COMPLETE } from './import-world.js'

export interface WorldPage {
  readonly element: HTMLElement
  /** The page is looked at, with a country beside the list, or none. */
  open(code: string | undefined): void
  /** Another page is looked at. */
  leave(): void
}

/** What the list shows. */
type View =
  | { readonly kind: 'all' }
  | { readonly kind: 'search'; readonly text: string }
  | { readonly kind: 'letter'; readonly letter: string }

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** Browses the countries in the store: all reads are local, so every keystroke is a query. */
export function createWorldPage(store: Store, report: (what: string, error: unknown) => void): WorldPage {
  let view: View = { kind: 'all' }
  let turn = 0
  let opened: string | undefined
  let visible = false
  let stale = true
  const failed = (error: unknown): void => report('The countries could not be read', error)
  const refresh = createRefresher(async () => {
    stale = false
    // What is looked at comes first; counting reads every key.
    if (!(await showExtent())) return
    await Promise.all([load(null), showOpened()])
    await showCounts()
  }, failed)

  const search = h('input', {
    class: 'world-search',
    type: 'search',
    name: 'search',
    placeholder: 'Suomi, España, Корея …',
    'aria-label': 'Search countries by name',
    autocomplete: 'off',
    spellcheck: 'false',
    oninput: () =>
      look(search.value.trim() === '' ? { kind: 'all' } : { kind: 'search', text: search.value }),
  })
  const letters = h(
    'div',
    { class: 'letters', role: 'group', 'aria-label': 'By code' },
    ...LETTERS.split('').map(letterButton),
  )
  const query = h('p', { class: 'query', role: 'status' })
  const list = h('ul', { class: 'countries' })
  const more = h('button', { class: 'secondary more', type: 'button', hidden: true }, 'Show more')
  const counts = h('p', { class: 'counts' })
  const detail = h('aside', { class: 'world-detail', 'aria-label': 'Country', hidden: true })
  const panel = createImportPanel(store, refresh, report)
  const browse = h(
    'div',
    { class: 'world-browse', hidden: true },
    h(
      'div',
      { class: 'world-list' },
      h('div', { class: 'search-box' }, icon('search'), search),
      letters,
      query,
      list,
      more,
    ),
    detail,
  )
  const element = h(
    'main',
    { class: 'world', id: 'world' },
    h('div', { class: 'board-top' }, h('h1', {}, 'World'), counts),
    panel.element,
    browse,
  )

  function letterButton(letter: string): HTMLElement {
    const toggle = (): void =>
      look(view.kind === 'letter' && view.letter === letter ? { kind: 'all' } : { kind: 'letter', letter })
    return h(
      'button',
      { class: 'letter', type: 'button', 'aria-pressed': 'false', 'data-letter': letter, onclick: toggle },
      letter,
    )
  }

  function look(next: View): void {
    view = next
    if (next.kind !== 'search') search.value = ''
    const pressed = next.kind === 'letter' ? next.letter : ''
    for (const button of letters.children)
      button.setAttribute('aria-pressed', String(button.getAttribute('data-letter') === pressed))
    load(null).catch(failed)
  }

  async function load(after: string | null): Promise<void> {
    const mine = ++turn
    const found = await read(after)
    // A later query is already on its way, or has been answered.
    if (mine !== turn) return
    const rows = countryList(found.hits, opened)
    if (after === null) list.replaceChildren(...rows)
    else list.append(...rows)
    const what = found.hits.length === 1 ? '1 country' : `${list.children.length} countries`
    setText(
      query,
      `${list.children.length === 0 ? 'Nothing' : what} · ${found.query} · ${found.took.toFixed(1)} ms`,
    )
    more.hidden = found.next === null
    more.onclick = () => void load(found.next).catch(failed)
  }

  function read(after: string | null): Promise<CountryList> {
    if (view.kind === 'search') return searchCountries(store, view.text)
    if (view.kind === 'letter') return countriesByCode(store, view.letter)
    return listCountries(store, after)
  }

  /** Whether there is anything to browse. */
  async function showExtent(): Promise<boolean> {
    const [complete, first] = await Promise.all([
      store.get(COMPLETE),
      store.enum('world/*', { limit: 1, select: 'keys' }),
    ])
    const none = first.items.length === 0
    panel.show(none ? 'none' : complete === true ? 'all' : 'part')
    browse.hidden = none
    counts.hidden = none
    return !none
  }

  async function showCounts(): Promise<void> {
    const { countries, values, names } = await countWorld(store)
    const parts = [
      `${countries} countries`,
      `${values.toLocaleString()} values`,
      `${names.toLocaleString()} names to search`,
    ]
    setText(counts, parts.join(' · '))
  }

  async function showOpened(): Promise<void> {
    const code = opened
    for (const row of list.querySelectorAll('a')) {
      if (row.dataset.code === code) row.setAttribute('aria-current', 'true')
      else row.removeAttribute('aria-current')
    }
    const start = performance.now()
    const country = code === undefined ? undefined : await getCountry(store, code)
    if (opened !== code) return
    const moved = detail.dataset.code !== code
    detail.dataset.code = code ?? ''
    detail.hidden = country === undefined
    element.classList.toggle('has-detail', country !== undefined)
    detail.replaceChildren(...(country ? [countryDetail(country, performance.now() - start)] : []))
    // A country that was only read again keeps the reader's place.
    if (!moved || country === undefined) return
    detail.scrollTop = 0
    detail.querySelector('h2')?.focus({ preventScroll: true })
  }

  // Nothing is read for a page that nobody looks at, and while an import runs here, its progress is enough to show.
  const changed = (): void => {
    stale = true
    if (visible && !panel.running) refresh()
  }
  store.on('world/*', changed)
  store.on(COMPLETE, changed)

  return {
    element,
    open(code) {
      visible = true
      opened = code
      if (stale) refresh()
      else showOpened().catch(failed)
    },
    leave() {
      visible = false
    },
  }
}

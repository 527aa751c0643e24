import { h } from './dom.js'
import type { Route } from './router.js'

/** The page around its pages: a bar with the name and the way to each page, the page itself, and a foot. */
export interface Frame {
  add(page: Route['page'], element: HTMLElement): void
  foot(element: HTMLElement): void
  /** Replaces the pages by a message: there is nothing to show. */
  say(title: string, text: string): void
  show(page: Route['page']): void
}

const TITLES = { board: 'Board', world: 'World' } as const

/** Builds the frame into `body`. */
export function createFrame(body: HTMLElement): Frame {
  const links = Object.entries(TITLES).map(([page, title]) =>
    h('a', { href: `#/${page}`, 'data-page': page }, title),
  )
  const mark = h('img', { class: 'brand-mark', src: '/icon.svg', alt: '', width: 28, height: 28 })
  const bar = h(
    'header',
    { class: 'top-bar' },
    h('a', { class: 'brand', href: '#/board' }, mark, 'Dust Tasks'),
    h('nav', { 'aria-label': 'Pages' }, ...links),
  )
  const place = h('div', { class: 'page' })
  const foot = h('div', { class: 'foot' })
  const pages = new Map<Route['page'], HTMLElement>()
  body.replaceChildren(bar, place, foot)

  return {
    add(page, element) {
      element.hidden = true
      pages.set(page, element)
      place.append(element)
    },
    foot: (element) => foot.append(element),
    say(title, text) {
      place.replaceChildren(h('main', { class: 'empty' }, h('h1', {}, title), h('p', {}, text)))
    },
    show(page) {
      for (const [name, element] of pages) element.hidden = name !== page
      for (const link of links) {
        if (link.dataset.page === page) link.setAttribute('aria-current', 'page')
        else link.removeAttribute('aria-current')
      }
      document.title = `${TITLES[page]} · Dust Tasks`
    },
  }
}

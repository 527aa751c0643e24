import { h } from './dom.js'

/** Says something to people who use a screen reader. */
export type Announce = (text: string) => void

/** Adds the page's polite live region. */
export function createAnnouncer(parent: Element): Announce {
  const region = h('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' })
  parent.append(region)
  return (text) => {
    // The same text twice would not be spoken twice.
    region.textContent = region.textContent === text ? `${text}\u00a0` : text
  }
}

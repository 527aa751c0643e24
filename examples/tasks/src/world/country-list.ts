import { h } from '../shell/dom.js'
import { codeBadge } from './code-badge.js'
import type { CountryHit } from './country-reads.js'

/** One row for each country that was found; the row of the `opened` one is marked. */
export function countryList(hits: readonly CountryHit[], opened: string | undefined): HTMLElement[] {
  return hits.map(({ country: { code, name, region }, as }) =>
    h(
      'li',
      {},
      h(
        'a',
        { href: `#/world/${code}`, 'data-code': code, 'aria-current': code === opened ? 'true' : undefined },
        codeBadge(code, region),
        h(
          'span',
          { class: 'country-name' },
          name,
          as !== undefined && as !== name && h('small', { dir: 'auto' }, as),
        ),
        h('span', { class: 'country-region' }, region),
      ),
    ),
  )
}

import { h } from '../shell/dom.js'
import { icon } from '../shell/icons.js'
import { codeBadge } from './code-badge.js'
import type { LocalName, StoredCountry } from './stored-country.js'

/** All that is known about a country. `took`: ms that reading it took. */
export function countryDetail(country: StoredCountry, took: number): HTMLElement {
  const { code, name, official, leaves } = country
  return h(
    'article',
    { class: 'country', 'aria-labelledby': 'country-name' },
    h('a', { class: 'icon-button country-close', href: '#/world', 'aria-label': 'Close' }, icon('close')),
    codeBadge(code, country.region),
    h('h2', { id: 'country-name', tabindex: -1 }, name),
    h('p', { class: 'country-official' }, official),
    h('dl', { class: 'facts' }, ...facts(country)),
    names('Native names', country.native),
    names('In other languages', country.translations),
    h(
      'p',
      { class: 'query' },
      `get('world/${code}') · ${leaves} values in ${took.toFixed(1)} ms, from this device`,
    ),
  )
}

function facts(country: StoredCountry): HTMLElement[] {
  const { capital, region, subregion, area, languages, currencies, borders } = country
  const rows: readonly [string, readonly (string | HTMLElement)[]][] = [
    ['Capital', [capital.join(', ')]],
    ['Region', [[...new Set([region, subregion])].filter(Boolean).join(', ')]],
    ['Area', [area === undefined ? '' : `${area.toLocaleString()} km²`]],
    ['Languages', [Object.values(languages).join(', ')]],
    [
      'Currencies',
      [currencies.map((currency) => `${currency.name} (${currency.symbol || currency.code})`).join(', ')],
    ],
    ['Neighbours', borders.map((border) => h('a', { class: 'chip', href: `#/world/${border}` }, border))],
  ]
  return rows
    .filter(([, values]) => values.some((value) => value !== ''))
    .map(([label, values]) => h('div', {}, h('dt', {}, label), h('dd', {}, ...values)))
}

function names(title: string, list: readonly LocalName[]): HTMLElement | undefined {
  if (list.length === 0) return undefined
  const rows = list.map(({ language, common, official }) =>
    h(
      'div',
      {},
      h('dt', {}, languageName(language)),
      h('dd', { lang: language, dir: 'auto' }, common, official !== common && h('small', {}, official)),
    ),
  )
  return h('section', { class: 'names' }, h('h3', {}, title), h('dl', {}, ...rows))
}

/** The language's name in the reader's language, where the browser knows it. */
function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(undefined, { type: 'language' }).of(code) ?? code
  } catch {
    // Not every code of the data is one that the browser accepts.
    return code
  }
}

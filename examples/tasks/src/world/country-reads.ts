import type { Store } from '@dustlayer/client'
import { searchKey } from './search-key.js'
import { readCountry, type StoredCountry } from './stored-country.js'

/** A country in a listing; `as` is the name by which it was found. */
export interface CountryHit {
  readonly country: StoredCountry
  readonly as?: string
}

export interface CountryList {
  readonly hits: readonly CountryHit[]
  /** Continues the listing; null when there is no more. */
  readonly next: string | null
  /** How long the reads took, ms. */
  readonly took: number
  /** What was read, as a call. */
  readonly query: string
}

const PAGE = 60
const MAX_HITS = 80
// The highest code point: every text that begins with a prefix sorts before the prefix and this.
const LAST = '\u{10FFFF}'

/** A page of all countries, in the order of their codes. Each item is a node: the whole record, assembled from its leaves. */
export async function listCountries(store: Store, after: string | null): Promise<CountryList> {
  const start = performance.now()
  const page = await store.enum('world/*', { limit: PAGE, ...(after !== null && { after }) })
  const hits = page.items.flatMap(({ path, value }) => hit(path.slice('world/'.length), value))
  return { hits, next: page.nextCursor, took: performance.now() - start, query: "enum('world/*')" }
}

/** The countries whose code begins with a letter. A range reads leaves; the records come in a second call. */
export async function countriesByCode(store: Store, letter: string): Promise<CountryList> {
  const start = performance.now()
  const [from, to] = [`world/${letter}`, `world/${letter}${LAST}`]
  const leaves = await store.range(from, to, { select: 'keys' })
  const codes = new Set(leaves.items.map((path) => path.split('/')[1] ?? ''))
  const hits = await readAll(
    store,
    [...codes].map((code) => ({ code })),
  )
  return { hits, next: null, took: performance.now() - start, query: `range('${from}', '${from}…')` }
}

/** The countries that have, in any language, a name or a word in it that begins with `text`. */
export async function searchCountries(store: Store, text: string): Promise<CountryList> {
  const start = performance.now()
  const from = `world-index/${searchKey(text)}`
  const rows = await store.range(from, `${from}${LAST}`)
  const matches = bestMatches(rows.items).slice(0, MAX_HITS)
  const hits = await readAll(store, matches)
  return { hits, next: null, took: performance.now() - start, query: `range('${from}', '${from}…')` }
}

/** A country may match by several names: the shortest is the closest to what was typed. Closest countries first. */
function bestMatches(rows: readonly { path: string; value: unknown }[]): { code: string; as: string }[] {
  const best = new Map<string, { code: string; as: string; key: string }>()
  for (const { path, value } of rows) {
    const [, key = '', code = ''] = path.split('/')
    const known = best.get(code)
    if (known === undefined || key.length < known.key.length) best.set(code, { code, as: String(value), key })
  }
  return [...best.values()].sort((a, b) => a.key.length - b.key.length || (a.as < b.as ? -1 : 1))
}

/** One country with everything known about it; `undefined` when it is not in the store. */
export async function getCountry(store: Store, code: string): Promise<StoredCountry | undefined> {
  return readCountry(code, await store.get(['world', code]))
}

export interface WorldCounts {
  readonly countries: number
  readonly values: number
  readonly names: number
}

export async function countWorld(store: Store): Promise<WorldCounts> {
  const [countries, values, names] = await Promise.all([
    store.enum('world/*', { select: 'keys' }),
    store.enum('world/**', { select: 'keys' }),
    store.enum('world-index/**', { select: 'keys' }),
  ])
  return { countries: countries.items.length, values: values.items.length, names: names.items.length }
}

/** All gets of one tick travel to the worker as one message, so this is one round trip. */
async function readAll(
  store: Store,
  wanted: readonly { code: string; as?: string }[],
): Promise<CountryHit[]> {
  const values = await Promise.all(wanted.map(({ code }) => store.get(['world', code])))
  return wanted.flatMap(({ code, as }, i) => hit(code, values[i], as))
}

function hit(code: string, value: unknown, as?: string): CountryHit[] {
  const country = readCountry(code, value)
  return country === undefined ? [] : [{ country, ...(as !== undefined && { as }) }]
}

import type { Country } from 'world-countries'
import { searchKeysOf } from './search-key.js'

/** Key → country code → the name that the key stands for. */
export type NameIndex = Record<string, Record<string, string>>

/**
 * The search index over all names in all languages. Written below `world-index/`, each row is one leaf,
 * `world-index/<key>/<code>`. Leaves are kept in the order of their paths, so whatever begins with a prefix lies side by side, and
 * a prefix search is one `range` read (see `country-reads.ts`): no index but the store itself is needed.
 */
export function buildNameIndex(countries: readonly Country[]): NameIndex {
  const index: NameIndex = {}
  for (const country of countries) {
    for (const name of namesOf(country)) {
      for (const key of searchKeysOf(name)) {
        index[key] ??= {}
        index[key][country.cca3] ??= name
      }
    }
  }
  return index
}

/** Every name a country goes by, everyday names first: the first name with a key is the one shown. */
function namesOf({ name, translations, altSpellings, capital, cca3 }: Country): string[] {
  const all = [...Object.values(name.native), ...Object.values(translations)]
  const common = [name.common, ...all.map((names) => names.common)]
  const official = [name.official, ...all.map((names) => names.official)]
  return [...new Set([...common, ...official, ...altSpellings, ...capital, cca3])]
}

/** Cuts the index into parts of at most `size` keys, each small enough to be one write. */
export function chunkIndex(index: NameIndex, size: number): NameIndex[] {
  const keys = Object.entries(index)
  const count = Math.ceil(keys.length / size)
  return Array.from({ length: count }, (_, i) => Object.fromEntries(keys.slice(i * size, (i + 1) * size)))
}

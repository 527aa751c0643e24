/** A country as it reads back from the store. Other apps may have written there too, so every part is looked at. */
export interface StoredCountry {
  readonly code: string
  readonly name: string
  readonly official: string
  readonly region: string
  readonly subregion: string
  readonly capital: readonly string[]
  readonly area: number | undefined
  readonly borders: readonly string[]
  readonly languages: Readonly<Record<string, string>>
  readonly currencies: readonly { readonly code: string; readonly name: string; readonly symbol: string }[]
  readonly native: readonly LocalName[]
  readonly translations: readonly LocalName[]
  /** How many leaves it is made of. */
  readonly leaves: number
}

export interface LocalName {
  /** ISO 639-3 code. */
  readonly language: string
  readonly common: string
  readonly official: string
}

/** Reads a record; `undefined` when it is no country. */
export function readCountry(code: string, value: unknown): StoredCountry | undefined {
  const record = mapOf(value)
  const name = mapOf(record.name)
  if (typeof name.common !== 'string') return undefined
  return {
    code,
    name: name.common,
    official: text(name.official),
    region: text(record.region),
    subregion: text(record.subregion),
    capital: texts(record.capital),
    area: typeof record.area === 'number' ? record.area : undefined,
    borders: texts(record.borders),
    languages: Object.fromEntries(
      Object.entries(mapOf(record.languages)).map(([key, language]) => [key, text(language)]),
    ),
    currencies: Object.entries(mapOf(record.currencies)).map(([currency, about]) => ({
      code: currency,
      name: text(mapOf(about).name),
      symbol: text(mapOf(about).symbol),
    })),
    native: localNames(name.native),
    translations: localNames(record.translations),
    leaves: countLeaves(record),
  }
}

function localNames(value: unknown): LocalName[] {
  return Object.entries(mapOf(value)).map(([language, names]) => ({
    language,
    common: text(mapOf(names).common),
    official: text(mapOf(names).official),
  }))
}

function countLeaves(value: unknown): number {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 1
  return Object.values(value).reduce<number>((sum, child) => sum + countLeaves(child), 0)
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

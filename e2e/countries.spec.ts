import { createRequire } from 'node:module'
import { expect, test, untilSynced } from './support/test.js'

const require = createRequire(import.meta.url)
const countries: { cca3: string }[] = require('world-countries/countries.json')
const data: { path: string; country: unknown }[] = countries.map((country) => ({
  path: `countries/${country.cca3}`,
  country,
}))

/** A store holds leaves, so a map without any leaf below it is not there (spec/semantics.md §3.2). */
function withoutEmptyMaps(value: unknown): unknown {
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, withoutEmptyMaps(inner)] as const)
      .filter(([, inner]) => !isMap(inner) || Object.keys(inner).length > 0),
  )
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

test('the countries imported in one profile read back deep-equal in another', async ({
  newProfile,
  newTab,
}) => {
  const [author, reader] = await Promise.all([newProfile(), newProfile()])
  const [authorsTab, readersTab] = await Promise.all([newTab(author), newTab(reader)])
  await authorsTab.evaluate(async (data) => {
    await Promise.all(data.map(({ path, country }) => window.store.put(path, country)))
  }, data)
  await untilSynced(authorsTab)
  await expect
    .poll(() => readersTab.evaluate(async () => (await window.store.enum('countries/*')).items.length))
    .toBe(data.length)

  const read = await readersTab.evaluate(
    (paths) => Promise.all(paths.map((path) => window.store.get<unknown>(path))),
    data.map(({ path }) => path),
  )
  expect(read).toEqual(data.map(({ country }) => withoutEmptyMaps(country)))

  const pages = await readersTab.evaluate(async () => {
    const pages: string[][] = []
    let after: string | undefined
    do {
      const page = await window.store.enum('countries/*', { limit: 40, after })
      pages.push(page.items.map((country) => country.path))
      after = page.nextCursor ?? undefined
    } while (after !== undefined)
    return pages
  })
  expect(pages.flat()).toEqual(data.map(({ path }) => path).sort())
  expect(pages).toHaveLength(Math.ceil(data.length / 40))
})

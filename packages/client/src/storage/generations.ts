/**
 * A store's database has a name of its own for each time that it was begun anew. The newest one is in use; an older
 * one was set aside because it was damaged, and stays until the one that replaced it is complete.
 */
export interface Generation {
  readonly name: string
  readonly number: number
}

/** No encoded store name has this character. */
const MARK = '@'

export function generationOf(store: string, number: number): Generation {
  const name = encodeURIComponent(store)
  return { name: number === 1 ? name : `${name}${MARK}${number}`, number }
}

/** Those of the store among the names, the newest first. */
export function generationsOf(store: string, names: readonly string[]): Generation[] {
  const base = encodeURIComponent(store)
  return names
    .flatMap((name): Generation[] => {
      if (name === base) return [{ name, number: 1 }]
      const number = name.startsWith(base + MARK) ? Number(name.slice(base.length + 1)) : Number.NaN
      return Number.isSafeInteger(number) && number > 1 ? [{ name, number }] : []
    })
    .sort((a, b) => b.number - a.number)
}

/** The store that a database is of. */
export function storeOf(name: string): string {
  return decodeURIComponent(name.split(MARK)[0] ?? name)
}

import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'

/** Something with a place in a list. `order` is a fractional key: a text that sorts between its neighbours' keys. */
export interface Ordered {
  readonly id: string
  readonly order: string
}

/** Sorts by key. Two windows may have chosen the same key at the same time: then the id decides, everywhere alike. */
export function compareOrder(a: Ordered, b: Ordered): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** Where something goes: its own key, and new keys for neighbours that shared one. */
export interface Placement {
  readonly order: string
  readonly rekeyed: readonly Ordered[]
}

/**
 * The key that puts something at `index` of `items` (sorted, without the thing itself). Only its own key changes, so moves of
 * different things never conflict. The exception: where the neighbours share a key, or have none that can be used, there
 * is no room between them, and they get new keys as well.
 */
export function placeAt(items: readonly Ordered[], index: number): Placement {
  const sound = items.filter(({ order }) => isOrderKey(order)).length
  // Unusable keys sort last, so what is in front of `index` without a usable key directly precedes it.
  const leading = items.slice(sound, index)
  const before = items[Math.min(index, sound) - 1]?.order ?? null
  const behind = items.slice(index, sound)
  const tied = behind.filter(({ order }) => order === before)
  const after = behind[tied.length]?.order ?? null
  const keys = generateNKeysBetween(before, after, leading.length + 1 + tied.length)
  const [order = ''] = keys.splice(leading.length, 1)
  return { order, rekeyed: [...leading, ...tied].map(({ id }, i) => ({ id, order: keys[i] ?? '' })) }
}

/** Keys for `count` new things behind `items`. */
export function keysAtEnd(items: readonly Ordered[], count: number): string[] {
  return generateNKeysBetween(
    items.filter(({ order }) => isOrderKey(order)).at(-1)?.order ?? null,
    null,
    count,
  )
}

/** Whether a text can be an order key. Others would make the library throw when something is moved beside them. */
export function isOrderKey(text: unknown): text is string {
  if (typeof text !== 'string' || text === '') return false
  try {
    generateKeyBetween(text, null)
    return true
  } catch {
    return false
  }
}

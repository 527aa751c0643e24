import type { Entries } from './page/peers/peer.js'

/** Entries below `list/`; the listing and the read scenarios use them. */
export const LISTED = 1_000
/** Entries below `data/`, so that a listing has something to leave out. */
export const OTHERS = 9_000

/** The entry number `index` below a prefix: a short path and a text of 100 characters. */
export function entryOf(prefix: string, index: number): readonly [key: string, value: string] {
  const number = String(index).padStart(6, '0')
  return [`${prefix}/${number}`, `value ${number} of ${prefix} `.padEnd(100, 'lorem ipsum dolor sit amet ')]
}

export function entriesOf(prefix: string, count: number): Entries {
  return Array.from({ length: count }, (_, index) => entryOf(prefix, index))
}

/** `count` keys below a prefix that has `size` entries, in an order without a pattern but always the same. */
export function shuffledKeys(prefix: string, size: number, count: number): string[] {
  // A step that shares no factor with the size visits every entry once.
  return Array.from({ length: count }, (_, index) => entryOf(prefix, (index * 7_919) % size)[0])
}

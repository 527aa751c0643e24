import type { PageData } from '@dustlayer/replica'

/** One page of a listing; iterates over its items. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Pass it as `after` to get the next page; null when nothing follows. */
  readonly nextCursor: string | null
  [Symbol.iterator](): Iterator<T>
}

/** `T` is what the listing's `select` gives: entries, or paths. */
export function pageOf<T>({ items, nextCursor }: PageData): Page<T> {
  const typed = items as readonly T[]
  return { items: typed, nextCursor, [Symbol.iterator]: () => typed[Symbol.iterator]() }
}

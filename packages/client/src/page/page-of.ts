/** One page of a listing; iterates over its items. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Pass it as `after` to get the next page; null when nothing follows. */
  readonly nextCursor: string | null
  [Symbol.iterator](): Iterator<T>
}

export function pageOf<T>(items: readonly T[], nextCursor: string | null): Page<T> {
  return { items, nextCursor, [Symbol.iterator]: () => items[Symbol.iterator]() }
}

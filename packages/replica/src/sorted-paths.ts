import { compareUtf8, descendantRange } from '@dustlayer/protocol'

/** Paths in byte order, kept so while some come and go; what changes costs little next to what stays. */
export interface SortedPaths {
  /** The path is not among them yet. */
  add(path: string): void
  /** Takes out the path, if it is there. */
  remove(path: string): void
  removeBelow(path: string): void
  clear(): void
  /** Valid until the next change. */
  all(): readonly string[]
}

/** So few are put in one by one, which leaves the others where they are. */
const FEW = 8

export function createSortedPaths(): SortedPaths {
  let sorted: string[] = []
  let added: string[] = []

  const removeBetween = (start: number, end: number): void => {
    if (end > start) sorted.splice(start, end - start)
  }

  const putIn = (): void => {
    if (added.length > FEW) sorted = sorted.concat(added).sort(compareUtf8)
    else for (const path of added) sorted.splice(firstAtOrAfter(sorted, path), 0, path)
    added = []
  }

  return {
    add: (path) => void added.push(path),
    remove(path) {
      putIn()
      const at = firstAtOrAfter(sorted, path)
      if (sorted[at] === path) removeBetween(at, at + 1)
    },
    removeBelow(path) {
      putIn()
      const { from, to } = descendantRange(path)
      removeBetween(firstAtOrAfter(sorted, from), firstAtOrAfter(sorted, to))
    },
    clear() {
      sorted = []
      added = []
    },
    all() {
      putIn()
      return sorted
    },
  }
}

/** The index of the first of the sorted paths that is not before `path`. */
export function firstAtOrAfter(paths: readonly string[], path: string): number {
  let low = 0
  let high = paths.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareUtf8(paths[middle] as string, path) < 0) low = middle + 1
    else high = middle
  }
  return low
}

import { childPath, isPlainMap, type JsonValue, type OpName } from '@dustlayer/protocol'

/**
 * Where the visible state may differ after a transaction, its revisions and pending flags included: the leaf at a
 * path, or everything at it and below it. What lies elsewhere has not changed, except that nodes assembled from
 * touched parts have.
 */
export type Touched = ReadonlyMap<string, 'leaf' | 'subtree'> | 'everything'

/** Collects what one transaction touches. */
export interface TouchedParts {
  op(op: { readonly op: OpName; readonly path: string; readonly value: JsonValue }): void
  everything(): void
  clear(): void
  /** What there is, and forgets it; undefined when nothing is touched. */
  take(): Touched | undefined
}

/** Who looks after so many would do better to look at everything. */
const MOST_PARTS = 10_000

export function createTouchedParts(): TouchedParts {
  let parts = new Map<string, 'leaf' | 'subtree'>()
  let all = false

  const add = (path: string, part: 'leaf' | 'subtree'): void => {
    if (all || parts.get(path) === 'subtree') return
    parts.set(path, part)
    if (parts.size > MOST_PARTS) all = true
  }

  const clear = (): void => {
    if (parts.size > 0) parts = new Map()
    all = false
  }

  return {
    op({ op, path, value }) {
      switch (op) {
        case 'set':
        case 'delete':
        case 'put_file':
          add(path, 'subtree')
          break
        case 'merge':
          // A merge leaves the siblings of what it brings alone, and there may be many.
          if (isPlainMap(value)) for (const key of Object.keys(value)) add(childPath(path, key), 'subtree')
          else add(path, 'subtree')
          break
        default:
          add(path, 'leaf')
      }
    },
    everything() {
      all = true
    },
    clear,
    take() {
      const taken = all ? 'everything' : parts
      if (taken !== 'everything' && taken.size === 0) return undefined
      clear()
      return taken
    },
  }
}

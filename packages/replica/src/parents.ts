import type { Effect } from '@dustlayer/protocol'

/**
 * Which of the paths that a batch clears may have entries below them. Most have none, and knowing so spares a
 * delete for each event of a catch-up. A path may stay in after its entries have gone: that costs a delete, no more.
 */
export interface Parents {
  has(path: string): boolean
  /** An entry has been put at the path: from now on its ancestors have one below. */
  put(path: string): void
}

export function createParents(known: Iterable<string>): Parents {
  const parents = new Set(known)
  return {
    has: (path) => parents.has(path),
    put(path) {
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        parents.add(path.slice(0, end))
      }
    },
  }
}

/** The paths below which these effects delete. */
export function clearedPaths(effects: Iterable<Effect>): string[] {
  const paths: string[] = []
  for (const { kind, path } of effects) if (kind === 'clear' || kind === 'clearBelow') paths.push(path)
  return paths
}

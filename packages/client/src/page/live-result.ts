import { compareUtf8 } from '@dustlayer/protocol'

/** A node of a result, by whose path it is sorted. */
interface Node {
  readonly path: string
}

/** So few are put in one by one, which leaves the others where they are. */
const FEW = 32

/**
 * A sorted result with some nodes put (new or in place of the one at their path; sorted, too) and others taken out.
 * Nodes that stay are the same objects.
 */
export function withChanges<N extends Node>(
  sorted: readonly N[],
  put: readonly N[],
  removed: readonly string[],
): readonly N[] {
  if (put.length + removed.length > FEW) return merged(sorted, put, removed)
  const result = [...sorted]
  for (const path of removed) {
    const at = firstAtOrAfter(result, path)
    if (result[at]?.path === path) result.splice(at, 1)
  }
  for (const node of put) {
    const at = firstAtOrAfter(result, node.path)
    result.splice(at, result[at]?.path === node.path ? 1 : 0, node)
  }
  return result
}

/** What a listener that last saw `before` has to be told to know `after`. */
export function changesBetween<N extends Node>(
  before: readonly N[],
  after: readonly N[],
): { readonly changed: readonly N[]; readonly removed: readonly string[] } {
  const known = new Map(before.map((node) => [node.path, node]))
  const changed: N[] = []
  for (const node of after) {
    if (known.get(node.path) !== node) changed.push(node)
    known.delete(node.path)
  }
  return { changed, removed: [...known.keys()] }
}

function merged<N extends Node>(
  sorted: readonly N[],
  put: readonly N[],
  removed: readonly string[],
): readonly N[] {
  const gone = new Set(removed)
  for (const { path } of put) gone.add(path)
  const stay = sorted.filter(({ path }) => !gone.has(path))
  const result: N[] = []
  let next = 0
  for (const node of stay) {
    for (let other = put[next]; other && compareUtf8(other.path, node.path) < 0; other = put[next]) {
      result.push(other)
      next += 1
    }
    result.push(node)
  }
  return result.concat(put.slice(next))
}

function firstAtOrAfter(sorted: readonly Node[], path: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareUtf8((sorted[middle] as Node).path, path) < 0) low = middle + 1
    else high = middle
  }
  return low
}

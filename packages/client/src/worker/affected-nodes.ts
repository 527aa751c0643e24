import { type Pattern, type PatternIndex, parsePath, renderPath, type Segments } from '@dustlayer/protocol'
import type { Touched } from '@dustlayer/replica'

/** What the search needs to know about a live query. */
export interface NodeWatcher {
  /** Nodes of its depth are its result, or leaves where it has no depth. */
  readonly pattern: Pattern
  /** Paths in its result that lie strictly below this one. */
  knownBelow(path: string): readonly string[]
}

/**
 * Which nodes of which live query the touched parts may have changed: nodes at a touched path, nodes above it, which
 * are assembled from it, and nodes below a touched subtree, those that were there and those that are now.
 * `leavesBelow` gives the paths of the leaves that are visible now.
 */
export function affectedNodes<W extends NodeWatcher>(
  touched: Exclude<Touched, 'everything'>,
  index: PatternIndex<W>,
  leavesBelow: (path: string) => readonly string[],
): Map<W, Set<string>> {
  const affected = new Map<W, Set<string>>()
  const add = (watcher: W, path: string): void => {
    const paths = affected.get(watcher)
    if (paths) paths.add(path)
    else affected.set(watcher, new Set([path]))
  }

  for (const [path, part] of touched) {
    const segments = parsePath(path)
    for (const { value: watcher, length } of index.matchPrefixes(segments)) {
      if (length === segments.length) add(watcher, path)
      // A leaf above has nothing to do with what is below it.
      else if (!watcher.pattern.many) add(watcher, renderPath(segments.slice(0, length)))
    }
    if (part === 'leaf') continue
    const watchers = index.below(segments)
    if (watchers.length === 0) continue
    for (const watcher of watchers) for (const known of watcher.knownBelow(path)) add(watcher, known)
    const leaves = leavesBelow(path).map(parsePath)
    for (const watcher of watchers) {
      for (const node of matchingNodes(watcher.pattern, leaves, segments.length)) add(watcher, node)
    }
  }
  return affected
}

/** The paths strictly below the depth that the pattern finds in these leaves. */
function matchingNodes(pattern: Pattern, leaves: readonly Segments[], below: number): string[] {
  const found = new Set<string>()
  for (const leaf of leaves) {
    const depth = pattern.depth ?? leaf.length
    if (depth <= below || depth > leaf.length) continue
    const node = leaf.slice(0, depth)
    if (pattern.matches(node)) found.add(renderPath(node))
  }
  return [...found]
}

import { compareUtf8, descendantRange, type Pattern, parsePath } from '@dustlayer/protocol'
import { type EntryData, rangeUnder, type Visible, type VisibleLeaf } from './visible.js'

/** Which nodes are wanted: those whose path matches the pattern, which has no `**`, beyond the cursor. */
export interface NodeQuery {
  readonly pattern: Pattern
  /** Strictly after it in the order asked for. */
  readonly after: string | undefined
}

/** A node met while scanning leaves; `leaf` when the node is one itself, else it has to be assembled. */
interface Found {
  readonly path: string
  readonly leaf: VisibleLeaf | undefined
}

/** Reading on is cheaper than seeking, unless a node turns out to be large. */
const SEEK_AFTER = 32

/**
 * The first `count` nodes in ascending byte order of their own paths.
 *
 * Leaves are scanned in byte order, where `a-b` comes before `a/x` although the node `a` comes before `a-b`. So
 * when the scan stops early, a node that belongs further up may lie ahead: one whose path is `a` where `a-b` was
 * found. Those few are looked up.
 */
export function* ascendingNodes(visible: Visible, query: NodeQuery, count: number): Generator<VisibleLeaf> {
  const { pattern, after } = query
  const found = new Map<string, Found>()
  const wanted = (path: string) =>
    !found.has(path) &&
    (after === undefined || compareUtf8(path, after) > 0) &&
    pattern.matches(parsePath(path))
  let complete = true
  for (const node of scanNodes(visible, query, 'asc')) {
    if (!wanted(node.path)) continue
    if (found.size === count) {
      complete = false
      break
    }
    found.set(node.path, node)
  }
  if (!complete) {
    for (const { path } of [...found.values()]) {
      for (const ahead of siblingsSortedBehind(path)) {
        if (wanted(ahead) && hasDescendants(visible, ahead))
          found.set(ahead, { path: ahead, leaf: undefined })
      }
    }
  }
  const paths = [...found.keys()].sort(compareUtf8)
  for (const path of paths) yield toLeaf(visible, found.get(path) as Found)
}

/**
 * All nodes in descending byte order of their own paths, lazily. Here the node `a`, met at `a/x`, has to wait for
 * `a-b`; waiting nodes form a stack, each beginning with the one below it.
 */
export function* descendingNodes(visible: Visible, query: NodeQuery): Generator<VisibleLeaf> {
  const { pattern, after } = query
  const waiting: Found[] = []
  if (after !== undefined) {
    // What lies below these is beyond the cursor, though the nodes themselves come after it.
    for (const path of nodesEndingBeyond(after, pattern.depth as number)) {
      if (hasDescendants(visible, path) && pattern.matches(parsePath(path)))
        waiting.push({ path, leaf: undefined })
    }
  }
  for (const node of scanNodes(visible, query, 'desc')) {
    for (let top = waiting.at(-1); top && !node.path.startsWith(top.path); top = waiting.at(-1)) {
      yield toLeaf(visible, top)
      waiting.pop()
    }
    if (waiting.at(-1)?.path === node.path) waiting.pop()
    if (pattern.matches(parsePath(node.path))) waiting.push(node)
  }
  for (const node of waiting.reverse()) yield toLeaf(visible, node)
}

/** Every node of the pattern's depth that the scan meets, matching or not; a node may be met twice. */
function* scanNodes(
  visible: Visible,
  { pattern, after }: NodeQuery,
  order: 'asc' | 'desc',
): Generator<Found> {
  const depth = pattern.depth as number
  let { from, to } = rangeUnder(pattern.prefix)
  if (after !== undefined) {
    if (order === 'desc') to = to === null || compareUtf8(after, to) < 0 ? after : to
    else if (compareUtf8(after, from) >= 0) from = `${after}\0`
  }
  for (let seeking = true; seeking; ) {
    seeking = false
    let last: string | undefined
    let repeats = 0
    for (const leaf of visible.scan({ from, to }, order)) {
      const path = cutAt(leaf.path, depth)
      if (path === undefined) continue
      if (path === leaf.path) yield { path, leaf }
      else if (path !== last) yield { path, leaf: undefined }
      repeats = path === last ? repeats + 1 : 0
      last = path
      if (repeats === SEEK_AFTER) {
        const below = descendantRange(path)
        if (order === 'asc') from = below.to
        else to = below.from
        seeking = true
        break
      }
    }
  }
}

function toLeaf(visible: Visible, { path, leaf }: Found): VisibleLeaf {
  // It was found because it, or something below it, is visible.
  return leaf ?? { path, entry: () => visible.entry(path) as EntryData }
}

function hasDescendants(visible: Visible, path: string): boolean {
  return !visible.scan(descendantRange(path)).next().done
}

/**
 * Paths of the same depth that come before this one, and whose descendants come after it: its last segment, cut
 * where a character follows that sorts before the slash. Shortest first.
 */
function siblingsSortedBehind(path: string): string[] {
  const siblings: string[] = []
  for (let i = path.lastIndexOf('/') + 2; i < path.length; i++) {
    if (path.charCodeAt(i) < SLASH) siblings.push(path.slice(0, i))
  }
  return siblings
}

/** Nodes of a depth that come before the path, and whose descendants do not all; shortest first. */
function nodesEndingBeyond(path: string, depth: number): string[] {
  const node = cutAt(path, depth)
  if (node === undefined) return []
  return node === path ? siblingsSortedBehind(node) : [...siblingsSortedBehind(node), node]
}

const SLASH = 0x2f

/** The first `depth` segments of a rendered path; undefined when it has fewer. */
function cutAt(path: string, depth: number): string | undefined {
  let end = -1
  for (let segment = 0; segment < depth; segment++) {
    if (segment > 0 && end === -1) return undefined
    end = path.indexOf('/', end + 1)
  }
  return end === -1 ? path : path.slice(0, end)
}

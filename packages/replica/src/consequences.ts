import {
  compareUtf8,
  descendantRange,
  type Effect,
  type EntryType,
  equalValues,
  isAncestor,
  type JsonValue,
  type OpName,
} from '@dustlayer/protocol'
import type { FoldedLeaf } from './fold-event.js'
import type { Interest } from './interest.js'
import type { Visible } from './visible.js'

/** What is at a path now, as events with a `cause` or a `correctionFor` tell it. */
export interface PathChange {
  readonly path: string
  readonly op: 'set' | 'delete'
  readonly value: JsonValue
  /** `map` for a node, also for one that is gone. */
  readonly entryType?: EntryType
  readonly sets?: readonly string[]
}

/** Ops that can change more than the leaf at their own path. */
const REACH_BELOW: ReadonlySet<OpName> = new Set(['set', 'delete', 'merge', 'put_file'])

const NONE = (): PathChange[] => []

/**
 * What an op that is about to be executed on `view` will change below its path, as far as somebody is interested: to
 * be called once it has been executed. `mayHaveBelow` spares looks below paths that are known to have nothing there.
 */
export function consequencesOf(
  view: Visible,
  interest: Interest,
  op: { readonly op: OpName; readonly path: string },
  effects: readonly Effect[],
  mayHaveBelow: (path: string) => boolean = () => true,
): () => PathChange[] {
  if (!REACH_BELOW.has(op.op) || !interest.below(op.path)) return NONE
  const wanted = createWanted(interest, op.path)
  const puts = new Map<string, FoldedLeaf>()
  const before = new Map<string, FoldedLeaf>()
  const cleared = new Set<string>()
  const keep = (path: string, leaf: FoldedLeaf | undefined): void => {
    if (leaf) before.set(path, { value: leaf.value, type: leaf.type })
  }

  for (const effect of effects) {
    const { kind, path } = effect
    const below = path !== op.path
    if (kind === 'put') {
      if (!below || !isWanted(wanted, path)) continue
      puts.set(path, effect)
      if (!isWithin(path, cleared)) keep(path, view.leaf(path))
      continue
    }
    if (kind === 'clear' && below && isWanted(wanted, path)) keep(path, view.leaf(path))
    cleared.add(path)
    if (kind === 'remove' || !mayHaveBelow(path)) continue
    for (const leaf of view.scan(descendantRange(path))) {
      if (isWanted(wanted, leaf.path)) keep(leaf.path, leaf.entry())
    }
  }

  return () => {
    const changes: [path: string, now: FoldedLeaf | undefined][] = []
    for (const [path, was] of before) {
      const now = puts.get(path)
      if (!now || !sameLeaf(was, now)) changes.push([path, now])
    }
    for (const [path, now] of puts) if (!before.has(path)) changes.push([path, now])
    return pathChanges(view, wanted, changes)
  }
}

/** Which paths somebody wants to be told of. */
export interface Wanted {
  leaf(path: string): boolean
  node(path: string): boolean
  /** The nodes above the path that are wanted. */
  nodesAbove(path: string): readonly string[]
}

/** What is wanted of the consequences of an op at this path, '' for those of a snapshot. */
export function createWanted(interest: Interest, cause: string): Wanted {
  const nodes = new Map<string, boolean>()
  const node = (path: string): boolean => {
    const known = nodes.get(path)
    if (known !== undefined) return known
    const wanted = interest.at(path, { node: true, cause })
    nodes.set(path, wanted)
    return wanted
  }
  return {
    leaf: (path) => interest.at(path, { node: false, cause }),
    node,
    nodesAbove(path) {
      const found: string[] = []
      for (let end = path.lastIndexOf('/'); end > cause.length; end = path.lastIndexOf('/', end - 1)) {
        const above = path.slice(0, end)
        if (node(above)) found.push(above)
      }
      return found
    },
  }
}

export function isWanted(wanted: Wanted, path: string): boolean {
  return wanted.leaf(path) || wanted.nodesAbove(path).length > 0
}

/** What is to be told of changed leaves: they themselves and the nodes above them, as the view has them now. */
export function pathChanges(
  view: Visible,
  wanted: Wanted,
  leaves: Iterable<readonly [path: string, now: FoldedLeaf | undefined]>,
): PathChange[] {
  const changes: PathChange[] = []
  const nodes = new Set<string>()
  for (const [path, now] of leaves) {
    if (wanted.leaf(path)) changes.push(leafChange(path, now))
    // Something may be below the leaf that has gone, and then it shows.
    if (!now && wanted.node(path)) nodes.add(path)
    for (const node of wanted.nodesAbove(path)) nodes.add(node)
  }
  const gone = new Set(changes.filter(({ op }) => op === 'delete').map(({ path }) => path))
  for (const path of nodes) {
    const change = nodeChange(view, path)
    if (change && !(change.op === 'delete' && gone.has(path))) changes.push(change)
  }
  return changes.sort((a, b) => compareUtf8(a.path, b.path))
}

function leafChange(path: string, now: FoldedLeaf | undefined): PathChange {
  return now
    ? { path, op: 'set', value: now.value, entryType: now.type }
    : { path, op: 'delete', value: null }
}

/** Nothing when a leaf is there: that is what reading the path gives, whatever has changed below. */
function nodeChange(view: Visible, path: string): PathChange | undefined {
  if (view.leaf(path)) return undefined
  const node = view.read(path)
  if (!node) return { path, op: 'delete', value: null, entryType: 'map' }
  return { path, op: 'set', value: node.value, entryType: 'map', ...(node.sets && { sets: node.sets }) }
}

export function sameLeaf(a: FoldedLeaf | undefined, b: FoldedLeaf | undefined): boolean {
  if (!a || !b) return a === b
  return a.type === b.type && equalValues(a.value, b.value)
}

/** Whether the path is strictly below one of the roots. */
function isWithin(path: string, roots: ReadonlySet<string>): boolean {
  if (roots.size === 1) for (const root of roots) return isAncestor(root, path)
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (roots.has(path.slice(0, end))) return true
  }
  return false
}

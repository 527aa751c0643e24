import { childPath, isAncestor, isPlainMap, type JsonValue, type OpName } from '@dustlayer/protocol'

/** What an op can change: the leaf at a path, and if `deep` all that is below. */
export interface Reach {
  readonly path: string
  readonly deep: boolean
}

const LEAF_ONLY: ReadonlySet<OpName> = new Set(['increment', 'add', 'remove', 'lease', 'renew', 'release'])

export function reachOf({ op, path, value }: { op: OpName; path: string; value: JsonValue }): Reach[] {
  if (op !== 'merge' || !isPlainMap(value)) return [{ path, deep: !LEAF_ONLY.has(op) }]
  // A merge leaves the siblings of what it brings alone.
  return Object.entries(value).map(([key, child]) => ({
    path: childPath(path, key),
    deep: isPlainMap(child),
  }))
}

/** What both can change. */
export function meeting(a: Reach, b: Reach): Reach | undefined {
  if (a.path === b.path) return { path: a.path, deep: a.deep && b.deep }
  if (a.deep && isAncestor(a.path, b.path)) return b
  return b.deep && isAncestor(b.path, a.path) ? a : undefined
}

/** A node of a tree over path segments. */
interface Node<T> {
  value: T | undefined
  readonly children: Map<string, Node<T>>
}

/**
 * Values at rendered paths, in a tree, so that what lies above or below a path is found without a look at
 * anything else. Empty branches are pruned.
 */
export interface PathTrie<T> {
  get(path: string): T | undefined
  set(path: string, value: T): void
  /** Drops the value at the path and keeps those below it. */
  delete(path: string): void
  /** Drops all values strictly below the path. */
  deleteBelow(path: string): void
  /** The values at the strict ancestors of the path, outermost first. */
  above(path: string): T[]
  /** Values at the path and below it, in no particular order. The path '' means everything. */
  within(path: string): Iterable<[path: string, value: T]>
  clear(): void
  readonly empty: boolean
}

export function createPathTrie<T>(): PathTrie<T> {
  const root: Node<T> = { value: undefined, children: new Map() }

  const find = (path: string): Node<T> | undefined => {
    let node: Node<T> | undefined = root
    if (path === '') return node
    for (const segment of path.split('/')) {
      node = node.children.get(segment)
      if (!node) return undefined
    }
    return node
  }

  /** Removes the nodes on the way to `path` that hold nothing any more, from the bottom up. */
  const prune = (path: string): void => {
    const segments = path.split('/')
    const chain: Node<T>[] = [root]
    for (const segment of segments) {
      const next = chain[chain.length - 1]?.children.get(segment)
      if (!next) break
      chain.push(next)
    }
    for (let i = chain.length - 1; i > 0; i--) {
      const node = chain[i] as Node<T>
      if (node.value !== undefined || node.children.size > 0) return
      chain[i - 1]?.children.delete(segments[i - 1] as string)
    }
  }

  return {
    get: (path) => find(path)?.value,
    set(path, value) {
      let node = root
      for (const segment of path.split('/')) {
        let next = node.children.get(segment)
        if (!next) {
          next = { value: undefined, children: new Map() }
          node.children.set(segment, next)
        }
        node = next
      }
      node.value = value
    },
    delete(path) {
      const node = find(path)
      if (!node) return
      node.value = undefined
      prune(path)
    },
    deleteBelow(path) {
      const node = find(path)
      if (!node) return
      node.children.clear()
      prune(path)
    },
    above(path) {
      const values: T[] = []
      let node: Node<T> | undefined = root
      for (const segment of path.split('/')) {
        if (node.value !== undefined) values.push(node.value)
        node = node.children.get(segment)
        if (!node) break
      }
      return values
    },
    *within(path) {
      const start = find(path)
      if (start) yield* walk(start, path)
    },
    clear() {
      root.children.clear()
    },
    get empty() {
      return root.children.size === 0
    },
  }
}

function* walk<T>(node: Node<T>, path: string): Generator<[string, T]> {
  if (node.value !== undefined) yield [path, node.value]
  for (const [segment, child] of node.children)
    yield* walk(child, path === '' ? segment : `${path}/${segment}`)
}

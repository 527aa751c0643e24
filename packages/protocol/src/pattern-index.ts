import { type GlobSegment, type Pattern, parseGlob } from './glob.js'
import type { Segments } from './path.js'

/** Finds the values of all patterns that a path matches, without trying every pattern. */
export interface PatternIndex<T> {
  /** Registers a value under a pattern and returns what takes it out again. A value may be registered many times. */
  add(pattern: Pattern, value: T): () => void
  /** The values of all matching patterns, in the order of their registration. */
  match(segments: Segments): T[]
  /**
   * The values of all patterns that match the path or one of its ancestors, each with how many segments matched: once
   * for each prefix that does. In the order of registration, the shortest first.
   */
  matchPrefixes(segments: Segments): { value: T; length: number }[]
  /** The values of all patterns that could match a path strictly below this one, in the order of registration. */
  below(segments: Segments): T[]
  /** Whether there is any such pattern. Stops at the first. */
  mayMatchBelow(segments: Segments): boolean
  /** How many registrations there are. */
  readonly size: number
}

interface Registration<T> {
  readonly order: number
  readonly pattern: Pattern
  readonly value: T
}

/** Stands for the path from the root to it; what is registered here ends here. */
interface Node<T> {
  readonly children: Map<string, Node<T>>
  /** The node that `*` leads to. */
  one: Node<T> | undefined
  /** Patterns that end here. */
  readonly ends: Set<Registration<T>>
  /** Patterns that go on with a final `**`. */
  readonly tails: Set<Registration<T>>
  /** Extended patterns whose literal prefix ends here; each is tried on every path below. */
  readonly extended: Set<Registration<T>>
}

/**
 * A trie over segments: a match visits only the nodes that agree with the path so far, however many patterns there
 * are. Extended patterns cost a try each, on the paths below their literal prefix.
 */
export function createPatternIndex<T>(): PatternIndex<T> {
  const root = createNode<T>()
  let size = 0
  let order = 0

  return {
    add(pattern, value) {
      const registration: Registration<T> = { order: order++, pattern, value }
      const place = placeOf(pattern)
      slotOf(root, place).add(registration)
      size++
      let registered = true
      return () => {
        if (!registered) return
        registered = false
        size--
        slotOf(root, place).delete(registration)
        prune(root, place.steps)
      }
    },

    match(segments) {
      const found: Registration<T>[] = []
      collect(root, segments, 0, found)
      // One registration has one slot, so none is found twice.
      return inOrder(found)
    },

    matchPrefixes(segments) {
      const found: PrefixMatch<T>[] = []
      collectPrefixes(root, prefixesOf(segments), 0, found)
      found.sort((a, b) => a.registration.order - b.registration.order || a.length - b.length)
      return found.map(({ registration, length }) => ({ value: registration.value, length }))
    },

    below(segments) {
      return inOrder([...reaching(root, segments, 0)])
    },

    mayMatchBelow(segments) {
      return reaching(root, segments, 0).next().done !== true
    },

    get size() {
      return size
    },
  }
}

interface PrefixMatch<T> {
  readonly registration: Registration<T>
  readonly length: number
}

/** Where in the trie a pattern belongs: the steps from the root, and which of the node's sets it is in. */
interface Place {
  readonly steps: readonly GlobSegment[]
  readonly slot: 'ends' | 'tails' | 'extended'
}

function placeOf(pattern: Pattern): Place {
  const { source } = pattern
  if (typeof source === 'object' && 'extglob' in source) {
    return { steps: pattern.prefix.map((literal) => ({ literal })), slot: 'extended' }
  }
  const glob = parseGlob(source)
  return pattern.many ? { steps: glob.slice(0, -1), slot: 'tails' } : { steps: glob, slot: 'ends' }
}

function createNode<T>(): Node<T> {
  return { children: new Map(), one: undefined, ends: new Set(), tails: new Set(), extended: new Set() }
}

function slotOf<T>(root: Node<T>, { steps, slot }: Place): Set<Registration<T>> {
  let node = root
  for (const step of steps) {
    let next = follow(node, step)
    if (!next) {
      next = createNode<T>()
      if (typeof step === 'string') node.one = next
      else node.children.set(step.literal, next)
    }
    node = next
  }
  return node[slot]
}

function follow<T>(node: Node<T>, step: GlobSegment): Node<T> | undefined {
  return typeof step === 'string' ? node.one : node.children.get(step.literal)
}

function collect<T>(node: Node<T>, segments: Segments, depth: number, found: Registration<T>[]): void {
  for (const registration of node.extended) {
    if (registration.pattern.matches(segments)) found.push(registration)
  }
  const segment = segments[depth]
  if (segment === undefined) {
    for (const registration of node.ends) found.push(registration)
    return
  }
  for (const registration of node.tails) found.push(registration)
  const child = node.children.get(segment)
  if (child) collect(child, segments, depth + 1, found)
  if (node.one) collect(node.one, segments, depth + 1, found)
}

function inOrder<T>(registrations: Registration<T>[]): T[] {
  return registrations.sort((a, b) => a.order - b.order).map((registration) => registration.value)
}

/** The first segment, the first two, and so on to all of them. */
function prefixesOf(segments: Segments): Segments[] {
  return segments.map((_, i) => (i === segments.length - 1 ? segments : segments.slice(0, i + 1)))
}

function collectPrefixes<T>(
  node: Node<T>,
  prefixes: readonly Segments[],
  depth: number,
  found: PrefixMatch<T>[],
): void {
  for (const registration of node.extended) {
    // No shorter one can match: the node stands for the literal prefix.
    for (let length = Math.max(depth, 1); length <= prefixes.length; length++) {
      if (registration.pattern.matches(prefixes[length - 1] as Segments)) found.push({ registration, length })
    }
  }
  for (const registration of node.ends) found.push({ registration, length: depth })
  for (const registration of node.tails) {
    for (let length = depth + 1; length <= prefixes.length; length++) found.push({ registration, length })
  }
  const segment = prefixes[depth]?.[depth]
  if (segment === undefined) return
  const child = node.children.get(segment)
  if (child) collectPrefixes(child, prefixes, depth + 1, found)
  if (node.one) collectPrefixes(node.one, prefixes, depth + 1, found)
}

/** The registrations whose patterns could match strictly below the path. */
function* reaching<T>(node: Node<T>, segments: Segments, depth: number): Generator<Registration<T>> {
  yield* node.tails
  for (const registration of node.extended) {
    if (registration.pattern.mayMatchBelow(segments)) yield registration
  }
  const segment = segments[depth]
  if (segment === undefined) {
    for (const child of node.children.values()) yield* everything(child)
    if (node.one) yield* everything(node.one)
    return
  }
  const child = node.children.get(segment)
  if (child) yield* reaching(child, segments, depth + 1)
  if (node.one) yield* reaching(node.one, segments, depth + 1)
}

/** What is registered at a node and below it. */
function* everything<T>(node: Node<T>): Generator<Registration<T>> {
  yield* node.ends
  yield* node.tails
  // Their literal prefix is at the node, so they match nothing but what is there and below.
  yield* node.extended
  for (const child of node.children.values()) yield* everything(child)
  if (node.one) yield* everything(node.one)
}

/** Takes nodes that hold nothing any more out of the trie, the deepest first. */
function prune<T>(root: Node<T>, steps: readonly GlobSegment[]): void {
  const trail: { node: Node<T>; step: GlobSegment; next: Node<T> }[] = []
  let node = root
  for (const step of steps) {
    const next = follow(node, step)
    if (!next) break
    trail.push({ node, step, next })
    node = next
  }
  for (const { node, step, next } of trail.reverse()) {
    if (!isEmpty(next)) return
    if (typeof step === 'string') node.one = undefined
    else node.children.delete(step.literal)
  }
}

function isEmpty<T>(node: Node<T>): boolean {
  const { children, one, ends, tails, extended } = node
  return children.size === 0 && !one && ends.size === 0 && tails.size === 0 && extended.size === 0
}

import { createPatternIndex, descendantRange, type Pattern, parsePattern } from '@dustlayer/protocol'
import {
  createSortedPaths,
  type EntryData,
  firstAtOrAfter,
  type Replica,
  type SortedPaths,
  type Touched,
} from '@dustlayer/replica'
import { printOfEntry } from '../fingerprint.js'
import type { LiveQuery } from '../tab/calls.js'
import { affectedNodes, type NodeWatcher } from './affected-nodes.js'
import type { Postbox } from './postbox.js'

/**
 * The live queries of all tabs to one store. Of each node that a tab has been told, a print is kept, not the value:
 * a change is what has another print.
 */
export interface LiveQueries {
  /** Registers the query, in place of one with the same tab and id, and tells its whole result. */
  add(tab: string, query: LiveQuery): void
  /** Registers a query whose tab knows the result as it is now. */
  resume(tab: string, query: LiveQuery): void
  remove(tab: string, id: number): void
  dropTab(tab: string): void
  /** The visible state may have changed there. */
  touched(touched: Touched): void
  /** The tab has taken something in: what was kept back for it may go. */
  goOn(tab: string): void
  /** Whether something that has changed was not sent to the tab, because it does not keep up. */
  keepsBack(tab: string): boolean
  tabs(): Iterable<string>
}

/** With so many nodes on their way to a tab, its further changes wait and are joined. */
const WINDOW = 1_000
/** Rather than remember more changed nodes, all are looked at when it is time. */
const MOST_STALE = 1_000

interface Watched extends NodeWatcher {
  readonly tab: string
  readonly id: number
  readonly prints: Map<string, number>
  readonly paths: SortedPaths
  /** Nodes to look at, which wait for the tab to take something in. */
  stale: Set<string> | 'everything'
}

/** Reads what a pattern finds at a path: a leaf where it has `many`, else a leaf or an assembled node. */
type ReadNode = (pattern: Pick<Pattern, 'many'>, path: string) => EntryData | undefined

export interface LiveQueriesOptions {
  readonly replica: Pick<Replica, 'entry' | 'enum' | 'range'>
  readonly postbox: Pick<Postbox, 'live' | 'unconfirmed'>
}

export function createLiveQueries({ replica, postbox }: LiveQueriesOptions): LiveQueries {
  const index = createPatternIndex<Watched>()
  const tabs = new Map<string, Map<number, { readonly watched: Watched; readonly unindex: () => void }>>()
  const waiting = new Map<string, Set<Watched>>()

  const register = (tab: string, { id, pattern }: LiveQuery): Watched => {
    remove(tab, id)
    const watched = createWatched(tab, id, parsePattern(pattern))
    const ofTab = tabs.get(tab) ?? new Map()
    tabs.set(tab, ofTab.set(id, { watched, unindex: index.add(watched.pattern, watched) }))
    return watched
  }

  const remove = (tab: string, id: number): void => {
    const ofTab = tabs.get(tab)
    const known = ofTab?.get(id)
    if (!ofTab || !known) return
    known.unindex()
    ofTab.delete(id)
    if (ofTab.size === 0) tabs.delete(tab)
    goesOn(known.watched)
  }

  const goesOn = (watched: Watched): void => {
    watched.stale = new Set()
    const ofTab = waiting.get(watched.tab)
    ofTab?.delete(watched)
    if (ofTab?.size === 0) waiting.delete(watched.tab)
  }

  // Without `select` a listing's items are entries.
  const list = ({ pattern }: Watched) => replica.enum(pattern).items as readonly EntryData[]

  const readNode: ReadNode = ({ many }, path) =>
    // The least string above a path is that path followed by NUL, so this is the leaf at the path alone.
    many ? (replica.range(path, `${path}\0`).items[0] as EntryData | undefined) : replica.entry(path)

  /** The stale nodes as they are now, and the paths at which there is none. */
  const reread = (watched: Watched, read: ReadNode): { nodes: readonly EntryData[]; gone: string[] } => {
    if (watched.stale === 'everything') {
      const nodes = list(watched)
      const there = new Set(nodes.map(({ path }) => path))
      return { nodes, gone: [...watched.prints.keys()].filter((path) => !there.has(path)) }
    }
    const nodes: EntryData[] = []
    const gone: string[] = []
    for (const path of watched.stale) {
      const node = read(watched.pattern, path)
      if (node) nodes.push(node)
      else gone.push(path)
    }
    return { nodes, gone }
  }

  const send = (watched: Watched, read: ReadNode): void => {
    const { nodes, gone } = reread(watched, read)
    goesOn(watched)
    const removed = gone.filter((path) => forget(watched, path))
    const put = nodes.filter((node) => learn(watched, node))
    if (put.length + removed.length > 0) tell(watched, put, removed, false)
  }

  const tell = (
    { tab, id, prints }: Watched,
    put: readonly EntryData[],
    removed: readonly string[],
    full: boolean,
  ): void => {
    // What is told was learned before, so it has a print.
    const told = put.map(({ path }) => prints.get(path) as number)
    postbox.live(tab, { to: id, full, put, prints: told, removed })
  }

  const wait = (watched: Watched): void => {
    waiting.set(watched.tab, (waiting.get(watched.tab) ?? new Set()).add(watched))
  }

  const sendOrWait = (watched: Watched, read: ReadNode): void => {
    if (postbox.unconfirmed(watched.tab, watched.id) >= WINDOW) wait(watched)
    else send(watched, read)
  }

  const all = function* (): Generator<Watched> {
    for (const ofTab of tabs.values()) for (const { watched } of ofTab.values()) yield watched
  }

  return {
    add(tab, query) {
      const watched = register(tab, query)
      const put = list(watched)
      for (const node of put) learn(watched, node)
      tell(watched, put, [], true)
    },
    resume(tab, query) {
      const watched = register(tab, query)
      for (const node of list(watched)) learn(watched, node)
    },
    remove,
    dropTab(tab) {
      for (const id of [...(tabs.get(tab)?.keys() ?? [])]) remove(tab, id)
    },
    touched(touched) {
      if (index.size === 0) return
      if (touched === 'everything') {
        for (const watched of all()) {
          watched.stale = 'everything'
          sendOrWait(watched, readNode)
        }
        return
      }
      const leavesBelow = memoized((path) => {
        const { from, to } = descendantRange(path)
        // With `keys` a listing's items are paths.
        return replica.range(from, to, { select: 'keys' }).items as readonly string[]
      })
      const leafAt = memoized((path) => readNode({ many: true }, path))
      const nodeAt = memoized((path) => readNode({ many: false }, path))
      const read: ReadNode = ({ many }, path) => (many ? leafAt(path) : nodeAt(path))
      for (const [watched, paths] of affectedNodes(touched, index, leavesBelow)) {
        addStale(watched, paths)
        sendOrWait(watched, read)
      }
    },
    goOn(tab) {
      for (const watched of [...(waiting.get(tab) ?? [])]) {
        sendOrWait(watched, readNode)
      }
    },
    keepsBack: (tab) => waiting.has(tab),
    tabs: () => tabs.keys(),
  }
}

function createWatched(tab: string, id: number, pattern: Pattern): Watched {
  const paths = createSortedPaths()
  return {
    tab,
    id,
    pattern,
    prints: new Map(),
    paths,
    stale: new Set(),
    knownBelow(path) {
      const { from, to } = descendantRange(path)
      const known = paths.all()
      return known.slice(firstAtOrAfter(known, from), firstAtOrAfter(known, to))
    },
  }
}

/** Whether the node is new or another than the one that was told. */
function learn({ prints, paths }: Watched, node: EntryData): boolean {
  const print = printOfEntry(node)
  const before = prints.get(node.path)
  if (before === print) return false
  prints.set(node.path, print)
  if (before === undefined) paths.add(node.path)
  return true
}

/** Whether the node had been told. */
function forget({ prints, paths }: Watched, path: string): boolean {
  const known = prints.delete(path)
  if (known) paths.remove(path)
  return known
}

function addStale(watched: Watched, paths: ReadonlySet<string>): void {
  if (watched.stale === 'everything') return
  for (const path of paths) watched.stale.add(path)
  if (watched.stale.size > MOST_STALE && watched.stale.size > paths.size) watched.stale = 'everything'
}

/** Several queries ask for the same between two transactions. */
function memoized<T>(read: (path: string) => T): (path: string) => T {
  const known = new Map<string, T>()
  return (path) => {
    if (known.has(path)) return known.get(path) as T
    const value = read(path)
    known.set(path, value)
    return value
  }
}

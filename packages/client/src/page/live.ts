import { compareUtf8, type DustError, type PatternInput } from '@dustlayer/protocol'
import type { EntryData } from '@dustlayer/replica'
import type { Entry } from '../operations/read.js'
import type { LiveUpdate } from '../tab/news.js'
import type { SendCall } from './call-batch.js'
import { isPromiseLike } from './callback-queue.js'
import { changesBetween, withChanges } from './live-result.js'
import type { Recall } from './recall.js'
import { reviveEntry } from './revive.js'
import type { Off } from './subscribers.js'

/** What a live query tells: its whole result, and what is different from the time before. */
export interface LiveResult<T> {
  /** All nodes that match, by path. A node that has not changed is the same object as before. */
  readonly nodes: readonly Entry<T>[]
  /** Those of `nodes` that are new or have changed; all of them the first time. */
  readonly changed: readonly Entry<T>[]
  /** Paths at which there was a node before. */
  readonly removed: readonly string[]
  /** What there was when this device last looked, told before it has been looked again. Only with `stale: 'allow'`. */
  readonly stale: boolean
}

export interface LiveArguments {
  readonly store: string
  readonly pattern: PatternInput
  readonly order: 'asc' | 'desc'
  /** The result that is remembered from the last time may be told first. */
  readonly stale: boolean
  readonly signal: AbortSignal | undefined
  readonly callback: (result: LiveResult<unknown>) => unknown
}

/** The live queries of this page. */
export interface LiveQueries {
  live(options: LiveArguments): Off
  deliver(updates: readonly LiveUpdate[]): void
  close(): void
}

export interface LiveQueriesOptions {
  readonly call: SendCall
  readonly recall: Recall
  /** A number that no other subscription of this page has. */
  nextId(): number
  /** A callback threw. */
  report(error: unknown): void
}

type Node = Entry<unknown>

/** One query of the page, which all who ask the same share. */
interface View {
  readonly id: number
  readonly store: string
  readonly key: string
  readonly listeners: Set<Listener>
  readonly prints: Map<string, number>
  /** The nodes in the form in which they are remembered; undefined when they are not. */
  readonly stored: Map<string, EntryData> | undefined
  /** Whether `nodes` is what is remembered. */
  stale: boolean
  /** In ascending order; undefined before the first update. */
  nodes: readonly Node[] | undefined
  /** What made `nodes` of the ones before. */
  last: Step | undefined
}

interface Step {
  readonly before: readonly Node[] | undefined
  readonly changed: readonly Node[]
  readonly removed: readonly string[]
}

interface Listener {
  readonly callback: LiveArguments['callback']
  readonly descending: boolean
  /** What it was told last; undefined before the first time. */
  told: readonly Node[] | undefined
  /** What it was told last was remembered. */
  toldStale: boolean
  /** A promise that it returned is open: it is told what has changed meanwhile at once, afterwards. */
  busy: boolean
  off: Off
}

export function createLiveQueries({ call, recall, nextId, report }: LiveQueriesOptions): LiveQueries {
  const views = new Map<number, View>()
  const byKey = new Map<string, View>()

  const open = (store: string, pattern: PatternInput, key: string, remembered: boolean): View => {
    const id = nextId()
    const view: View = {
      id,
      store,
      key,
      listeners: new Set(),
      prints: new Map(),
      stored: remembered ? new Map() : undefined,
      stale: false,
      nodes: undefined,
      last: undefined,
    }
    views.set(id, view)
    byKey.set(key, view)
    if (remembered) void recall.find(store, key).then((found) => showRemembered(view, found))
    call({ kind: 'live', store, query: { id, store, pattern } }).catch((error: DustError) => {
      // Without this the callbacks would stay silent and nobody would know why.
      if (forget(view)) report(error)
      for (const listener of [...view.listeners]) listener.off()
    })
    return view
  }

  const showRemembered = (view: View, found: unknown): void => {
    if (view.nodes || views.get(view.id) !== view || !isRemembered(found)) return
    const { entries, prints } = found
    takeIn(view, { to: view.id, full: true, put: entries, prints, removed: [] })
    view.stale = true
    for (const listener of [...view.listeners]) tell(view, listener)
  }

  const forget = (view: View): boolean => {
    if (byKey.get(view.key) === view) byKey.delete(view.key)
    return views.delete(view.id)
  }

  const tell = (view: View, listener: Listener): void => {
    const { nodes } = view
    if (!nodes || listener.busy || listener.told === nodes || !view.listeners.has(listener)) return
    const { told, toldStale, descending } = listener
    const { stale } = view
    const { changed, removed } = difference(view, told, nodes)
    listener.told = nodes
    listener.toldStale = stale
    if (told && toldStale === stale && changed.length + removed.length === 0) return
    const result = { nodes, changed, removed, stale }
    callBack(view, listener, descending ? reversed(result) : result)
  }

  const callBack = (view: View, listener: Listener, result: LiveResult<unknown>): void => {
    const goOn = (): void => {
      listener.busy = false
      tell(view, listener)
    }
    try {
      const promise = listener.callback(result)
      if (!isPromiseLike(promise)) return
      listener.busy = true
      promise.then(goOn, (error: unknown) => {
        report(error)
        goOn()
      })
    } catch (error) {
      report(error)
    }
  }

  return {
    live({ store, pattern, order, stale, signal, callback }) {
      if (signal?.aborted) return () => undefined
      const key = JSON.stringify(['live', store, pattern, stale])
      const view = byKey.get(key) ?? open(store, pattern, key, stale)
      const off = (): void => {
        signal?.removeEventListener('abort', off)
        if (!view.listeners.delete(listener) || view.listeners.size > 0) return
        if (forget(view)) call({ kind: 'unlive', store, id: view.id }).catch(() => undefined)
      }
      const listener: Listener = {
        callback,
        descending: order === 'desc',
        told: undefined,
        toldStale: false,
        busy: false,
        off,
      }
      view.listeners.add(listener)
      signal?.addEventListener('abort', off, { once: true })
      // Never before this has returned, as with the first.
      queueMicrotask(() => tell(view, listener))
      return off
    },
    deliver(updates) {
      for (const update of updates) {
        const view = views.get(update.to)
        if (!view) continue
        const changed = takeIn(view, update)
        if (view.stored) recall.note(view.key, () => rememberedOf(view))
        if (changed) for (const listener of [...view.listeners]) tell(view, listener)
      }
    },
    close() {
      for (const view of views.values()) view.listeners.clear()
      views.clear()
      byKey.clear()
    },
  }
}

/** Brings the view up to date; whether anything is different now. */
function takeIn(view: View, { full, put, prints, removed }: LiveUpdate): boolean {
  const { nodes = [], prints: known, stored } = view
  const first = view.nodes === undefined || view.stale
  view.stale = false
  const there = full ? new Set(put.map(({ path }) => path)) : undefined
  const gone = there ? [...known.keys()].filter((path) => !there.has(path)) : removed
  for (const path of gone) {
    known.delete(path)
    stored?.delete(path)
  }
  const coming = put.filter((entry, i) => {
    const { path } = entry
    const print = prints[i] as number
    stored?.set(path, entry)
    if (known.get(path) === print) return false
    known.set(path, print)
    return true
  })
  if (!first && coming.length + gone.length === 0) return false
  const changed = coming.map(reviveEntry<unknown>).sort((a, b) => compareUtf8(a.path, b.path))
  view.last = { before: view.nodes, changed, removed: [...gone].sort(compareUtf8) }
  view.nodes = withChanges(nodes, changed, gone)
  return true
}

/** What who was told `told` last has to be told now. */
function difference({ last }: View, told: Step['before'], nodes: readonly Node[]): Omit<Step, 'before'> {
  if (!told) return { changed: nodes, removed: [] }
  return last && last.before === told ? last : changesBetween(told, nodes)
}

function reversed({ nodes, changed, removed, stale }: LiveResult<unknown>): LiveResult<unknown> {
  return {
    nodes: [...nodes].reverse(),
    changed: [...changed].reverse(),
    removed: [...removed].reverse(),
    stale,
  }
}

/** A result as it is kept for the next page. */
interface Remembered {
  readonly entries: readonly EntryData[]
  readonly prints: readonly number[]
}

/** So many nodes are not painted at once. */
const MOST_NODES = 1_000

function rememberedOf({ stored, prints }: View): Remembered | undefined {
  const entries = [...(stored?.values() ?? [])]
  if (entries.length > MOST_NODES) return undefined
  return { entries, prints: entries.map(({ path }) => prints.get(path) ?? 0) }
}

function isRemembered(found: unknown): found is Remembered {
  // Nothing else is noted under the key of a live query.
  return found !== undefined
}

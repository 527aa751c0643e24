import {
  ancestorsOf,
  assemble,
  compareUtf8,
  descendantRange,
  type EntryType,
  type JsonValue,
  renderPath,
  type Segments,
} from '@dustlayer/protocol'
import type { ConfirmedRow, EntryTable, PathRange } from './entry-table.js'
import type { OverlayLeaf, OverlayView } from './overlay.js'
import { firstAtOrAfter } from './sorted-paths.js'

/** An entry or node as readers see it. */
export interface EntryData {
  readonly path: string
  readonly value: JsonValue
  /** `map` for an assembled node. */
  readonly type: EntryType
  /** The confirmed revision; 0 when nothing is confirmed here yet. Of a node: the highest of its leaves. */
  readonly revision: number
  /** Local wall clock (epoch ms) when the confirmed row was written here; null for nodes and unconfirmed leaves. */
  readonly syncedAt: number | null
  /** Whether a local write that the server has not confirmed shows here. */
  readonly pending: boolean
  /** Of a node: the rendered paths, relative to it, at which its value holds the members of a set. Absent when none. */
  readonly sets?: readonly string[]
}

/** A leaf's or node's value with what is needed to make it rich again. */
export interface ReadData {
  readonly value: JsonValue
  /** `map` for an assembled node. */
  readonly type: EntryType
  /** As in {@link EntryData}. */
  readonly sets?: readonly string[]
}

/** A leaf of the visible state; reading its value is left to who needs it. */
export interface VisibleLeaf {
  readonly path: string
  entry(): EntryData
}

/** The state that readers see: confirmed entries with the pending ops applied in order. */
export interface Visible {
  /** The leaf at exactly this path. */
  leaf(path: string): EntryData | undefined
  /** The op that shows at this path, if a pending one does. */
  pendingOp(path: string): string | undefined
  /** The leaf, else the node assembled from everything below, else undefined. */
  entry(path: string): EntryData | undefined
  /** The value of what `entry` would give. */
  value(path: string): JsonValue | undefined
  /** Value and type of what `entry` would give. */
  read(path: string): ReadData | undefined
  /** Leaves of the range in the given order. Nothing may be written while it runs. */
  scan(range: PathRange, order?: 'asc' | 'desc'): Generator<VisibleLeaf>
}

const FIRST_CHUNK = 16
const LARGEST_CHUNK = 1_024

export function createVisible(confirmed: EntryTable, overlay: OverlayView): Visible {
  const confirmedEntry = ({ path, text, type, seq, syncedAt }: ConfirmedRow): EntryData => ({
    path,
    value: confirmed.parse(text),
    type,
    revision: seq,
    syncedAt,
    pending: false,
  })

  const leaf = (path: string): EntryData | undefined => {
    const shown = overlay.empty ? undefined : overlay.at(path)
    if (shown === null) return undefined
    const row = confirmed.get(path)
    return shown ? overlayEntry(path, shown, row) : row && confirmedEntry(row)
  }

  function* scan(range: PathRange, order: 'asc' | 'desc' = 'asc'): Generator<VisibleLeaf> {
    const rows = confirmedRows(confirmed, range, order)
    if (overlay.empty) {
      for (const row of rows) yield { path: row.path, entry: () => confirmedEntry(row) }
      return
    }
    const shown = overlayLeaves(overlay, range, order)
    let next = shown.next()
    const sign = order === 'asc' ? 1 : -1
    for (const row of rows) {
      for (; !next.done && sign * compareUtf8(next.value, row.path) < 0; next = shown.next()) {
        yield overlayLeaf(next.value)
      }
      const over = overlay.at(row.path)
      if (over === null) continue
      if (over) next = shown.next()
      yield { path: row.path, entry: () => (over ? overlayEntry(row.path, over, row) : confirmedEntry(row)) }
    }
    for (; !next.done; next = shown.next()) yield overlayLeaf(next.value)
  }

  /** A leaf that only the overlay has. */
  const overlayLeaf = (path: string): VisibleLeaf => ({
    path,
    // It is one of the overlay's paths.
    entry: () => overlayEntry(path, overlay.at(path) as OverlayLeaf, undefined),
  })

  const node = (path: string): EntryData | undefined => {
    const leaves = Array.from(scan(descendantRange(path)), (found) => found.entry())
    if (leaves.length === 0) return undefined
    return {
      path,
      value: assemble(path, leaves),
      type: 'map',
      revision: leaves.reduce((highest, { revision }) => Math.max(highest, revision), 0),
      syncedAt: null,
      pending: leaves.some(({ pending }) => pending),
      ...setsOf(path, leaves),
    }
  }

  return {
    leaf,
    pendingOp: (path) => overlay.at(path)?.opId,
    entry: (path) => leaf(path) ?? node(path),
    value(path) {
      const shown = overlay.empty ? undefined : overlay.at(path)
      if (shown) return shown.value
      const text = shown === null ? undefined : confirmed.text(path)
      return text === undefined ? node(path)?.value : confirmed.parse(text)
    },
    read(path) {
      const shown = overlay.empty ? undefined : overlay.at(path)
      if (shown) return { value: shown.value, type: shown.type }
      const leaf = shown === null ? undefined : confirmed.typed(path)
      if (leaf) return { value: confirmed.parse(leaf.text), type: leaf.type }
      const found = node(path)
      return found && { value: found.value, type: found.type, ...(found.sets && { sets: found.sets }) }
    },
    scan,
  }
}

/** Reads in chunks that grow, so that a caller who stops early pays little and one who goes on pays little per row. */
function* confirmedRows(
  confirmed: EntryTable,
  { from, to }: PathRange,
  order: 'asc' | 'desc',
): Generator<ConfirmedRow> {
  let range: PathRange = { from, to }
  for (let size = FIRST_CHUNK; ; size = Math.min(size * 4, LARGEST_CHUNK)) {
    const rows = confirmed.rows(range, order, size)
    yield* rows
    const last = rows[rows.length - 1]
    if (!last || rows.length < size) return
    // The least string above a path in byte order is that path followed by NUL.
    range = order === 'asc' ? { from: `${last.path}\0`, to } : { from, to: last.path }
  }
}

/** The overlay's paths in the range. */
function* overlayLeaves(
  overlay: OverlayView,
  range: PathRange,
  order: 'asc' | 'desc',
): Generator<string, undefined> {
  const paths = overlay.paths()
  const start = firstAtOrAfter(paths, range.from)
  const end = range.to === null ? paths.length : firstAtOrAfter(paths, range.to)
  if (order === 'asc') for (let i = start; i < end; i++) yield paths[i] as string
  else for (let i = end - 1; i >= start; i--) yield paths[i] as string
}

function overlayEntry(path: string, leaf: OverlayLeaf, row: ConfirmedRow | undefined): EntryData {
  const { value, type } = leaf
  return { path, value, type, revision: row?.seq ?? 0, syncedAt: row?.syncedAt ?? null, pending: true }
}

/** The sets among the leaves that an assembled value shows: where something lies below a leaf, that shows instead. */
function setsOf(root: string, leaves: readonly EntryData[]): Pick<EntryData, 'sets'> {
  const sets = new Set<string>()
  for (const { path, type } of leaves) if (type === 'set') sets.add(path)
  if (sets.size === 0) return {}
  for (const { path } of leaves) for (const above of ancestorsOf(path)) sets.delete(above)
  return sets.size === 0 ? {} : { sets: Array.from(sets, (path) => path.slice(root.length + 1)) }
}

/** Everything that starts with these segments: the path itself, siblings that merely start alike, and the subtree. */
export function rangeUnder(prefix: Segments): PathRange {
  if (prefix.length === 0) return { from: '', to: null }
  const path = renderPath(prefix)
  return { from: path, to: descendantRange(path).to }
}

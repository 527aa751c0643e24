import {
  compareUtf8,
  DustError,
  descendantRange,
  type Pattern,
  parsePath,
  renderPath,
} from '@dustlayer/protocol'
import type { PathRange } from './entry-table.js'
import { ascendingNodes, descendingNodes } from './node-listing.js'
import { type EntryData, rangeUnder, type Visible, type VisibleLeaf } from './visible.js'

/** How a listing is paged and projected (spec/semantics.md §8.2). */
export interface ListOptions {
  /** Rows of a page, clamped to 1…1000. Without `limit` and `after` a listing is complete; with `after` alone it is 50. */
  readonly limit?: number
  /** By path in UTF-8 byte order; `asc` by default. */
  readonly order?: 'asc' | 'desc'
  /** The `nextCursor` of the page before; any path works, and the page starts strictly after it. */
  readonly after?: string
  /** `prefixes` gives, for patterns that end in `**`, each row's path cut to one segment below the literal part. */
  readonly select?: 'entries' | 'keys' | 'prefixes'
  /** List leaves also where a pattern without `**` would list nodes. */
  readonly leaves?: boolean
}

export interface PageData {
  /** Entries, or paths with `select: 'keys' | 'prefixes'`. */
  readonly items: readonly (EntryData | string)[]
  /** Null when nothing follows. */
  readonly nextCursor: string | null
}

const DEFAULT_LIMIT = 50
const LARGEST_LIMIT = 1_000

/**
 * Entries whose path matches: nodes of the pattern's depth, assembled maps included, or leaves when the pattern
 * has a `**` or `options.leaves` is set.
 * @throws DustError `invalid_pattern_for_prefixes`
 */
export function listPattern(visible: Visible, pattern: Pattern, options: ListOptions = {}): PageData {
  if (options.select === 'prefixes') return listPrefixes(visible, pattern, options)
  if (pattern.many || options.leaves) return page(matchingLeaves(visible, pattern, options), options)
  const query = { pattern, after: options.after }
  const rows =
    options.order === 'desc'
      ? descendingNodes(visible, query)
      : // One more than the page holds tells whether anything follows.
        ascendingNodes(visible, query, limitOf(options) + 1)
  return page(rows, options)
}

/**
 * Leaves with from ≤ path < to.
 * @throws DustError `unsupported_select` for prefixes.
 */
export function listRange(visible: Visible, from: string, to: string, options: ListOptions = {}): PageData {
  if (options.select === 'prefixes') {
    throw new DustError(
      'unsupported_select',
      'A range cannot be listed by prefixes. Use enum, or select keys.',
    )
  }
  return page(visible.scan(pageRange({ from, to }, options), options.order), options)
}

function page(
  rows: Iterable<VisibleLeaf>,
  options: ListOptions,
  project?: (path: string) => string,
): PageData {
  const limit = limitOf(options)
  const found: VisibleLeaf[] = []
  let more = false
  for (const row of rows) {
    if (found.length === limit) {
      more = true
      break
    }
    found.push(row)
  }
  const nextCursor = more ? (found[found.length - 1]?.path ?? null) : null
  if (project) {
    const sign = options.order === 'desc' ? -1 : 1
    const projected = new Set(found.map(({ path }) => project(path)))
    return { items: [...projected].sort((a, b) => sign * compareUtf8(a, b)), nextCursor }
  }
  return { items: found.map((row) => (options.select === 'keys' ? row.path : row.entry())), nextCursor }
}

function limitOf({ limit, after }: ListOptions): number {
  if (limit === undefined) return after === undefined ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT
  return Math.min(Math.max(Math.trunc(limit), 1), LARGEST_LIMIT)
}

/** The part of the range that lies strictly beyond the cursor. */
function pageRange({ from, to }: PathRange, { after, order }: ListOptions): PathRange {
  if (after === undefined) return { from, to }
  if (order === 'desc') return { from, to: to === null || compareUtf8(after, to) < 0 ? after : to }
  const next = `${after}\0`
  return { from: compareUtf8(next, from) > 0 ? next : from, to }
}

function* matchingLeaves(visible: Visible, pattern: Pattern, options: ListOptions): Generator<VisibleLeaf> {
  for (const leaf of visible.scan(pageRange(scanRange(pattern), options), options.order)) {
    if (pattern.matches(parsePath(leaf.path))) yield leaf
  }
}

/** A Dust pattern's matches lie below its literal part; the tighter range also keeps the overlay's share small. */
function scanRange(pattern: Pattern): PathRange {
  const range = rangeUnder(pattern.prefix)
  const literalOnly = pattern.prefix.length === 0 || pattern.exact || typeof pattern.source === 'object'
  return literalOnly ? range : descendantRange(range.from)
}

function listPrefixes(visible: Visible, pattern: Pattern, options: ListOptions): PageData {
  const { source } = pattern
  const segments = typeof source === 'string' ? source.split('/') : source
  if (!Array.isArray(segments) || segments[segments.length - 1] !== '**') {
    throw new DustError(
      'invalid_pattern_for_prefixes',
      'Prefixes can be listed for `**` and for patterns that end in `/**` only.',
    )
  }
  const depth = segments.length
  return page(matchingLeaves(visible, pattern, options), options, (path) =>
    renderPath(parsePath(path).slice(0, depth)),
  )
}

import { PathError } from './errors.js'
import { excerpt } from './json.js'
import { isWellFormed } from './well-formed.js'

/** Decoded, non-empty segments. */
export type Segments = readonly string[]

/**
 * A write may aim this deep. Maps may be nested too, and what is assembled from below a path must still fit into a
 * frame, which is bounded in depth.
 */
export const MAX_PATH_DEPTH = 256

/** A path as callers may give it: the rendered form (`'users/alice'`), or its segments. */
export type PathInput = string | readonly string[]

/**
 * The segments of a path in either form (spec/semantics.md §1). In the rendered form `~1` stands for a slash and
 * `~0` for a tilde inside a segment; in the list form segments are taken as they are.
 * @throws PathError `not_a_string` for anything but text or a list of texts, `empty_path`, `empty_segment`,
 *   `invalid_escape`, or `invalid_surrogate` for text that has no UTF-8 form; checked in this order.
 */
export function parsePath(input: unknown): Segments {
  if (Array.isArray(input)) return parseSegments(input)
  if (typeof input !== 'string') {
    throw new PathError(
      'not_a_string',
      `A path is text such as 'users/alice' or a list of segments, not ${nameOf(input)}.`,
    )
  }
  if (input === '') throw new PathError('empty_path', `A path needs at least one segment; '' has none.`)
  const segments = input.split('/')
  if (segments.includes('')) throw emptySegment(input)
  refuseLoneSurrogate(input)
  return input.includes('~') ? segments.map((segment) => decodeSegment(segment, input)) : segments
}

/**
 * Checks a list of segments, such as `path_segments` on the wire, and returns a copy.
 * @throws PathError `not_a_list` when it is none, else as {@link parsePath} does.
 */
export function parseSegments(input: unknown): Segments {
  if (!Array.isArray(input))
    throw new PathError('not_a_list', `Segments are a list of texts, not ${nameOf(input)}.`)
  // Array.from visits holes too, which find and some would not report as such.
  const segments = Array.from(input, (segment: unknown) => {
    if (typeof segment === 'string') return segment
    throw new PathError('not_a_string', `Every segment of a path is text, but one is ${nameOf(segment)}.`)
  })
  if (segments.length === 0)
    throw new PathError('empty_path', 'A path needs at least one segment; the list is empty.')
  if (segments.includes('')) throw emptySegment(renderPath(segments))
  for (const segment of segments) refuseLoneSurrogate(segment)
  return segments
}

/** The rendered form of valid segments; two paths are equal when their rendered forms are. */
export function renderPath(segments: Segments): string {
  return segments.map(encodeSegment).join('/')
}

/**
 * The rendered form of a path in either form.
 * @throws PathError as {@link parsePath} does.
 */
export function normalizePath(input: unknown): string {
  const segments = parsePath(input)
  // A rendered path that parses is canonical already.
  return typeof input === 'string' ? input : renderPath(segments)
}

/** The rendered path of a child, whose segment is given decoded. */
export function childPath(path: string, segment: string): string {
  return `${path}/${encodeSegment(segment)}`
}

/** The rendered path one segment up; undefined at the top. */
export function parentPath(path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? undefined : path.slice(0, slash)
}

/** All strict ancestors of a rendered path, the topmost first: `'a/b/c'` has `'a'` and `'a/b'`. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = []
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    ancestors.push(path.slice(0, slash))
  }
  return ancestors
}

/** Whether `a` is strictly above `b`; both rendered. */
export function isAncestor(a: string, b: string): boolean {
  return b.length > a.length && b[a.length] === '/' && b.startsWith(a)
}

/** The strict descendants of a rendered path are the paths from `from` (included) to `to` (excluded), in byte order. */
export function descendantRange(path: string): { from: string; to: string } {
  // '0' is the character after '/'.
  return { from: `${path}/`, to: `${path}0` }
}

/**
 * Orders text by its UTF-8 bytes, as every listing of a store is ordered. JavaScript compares UTF-16 units, which
 * puts U+E000…U+FFFF after the astral characters.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? codePointRank(x) - codePointRank(y) : x - y
  }
  return a.length - b.length
}

/** Moves the surrogates, which stand for the highest code points, above all other units. */
function codePointRank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}

function encodeSegment(segment: string): string {
  if (!segment.includes('~') && !segment.includes('/')) return segment
  return segment.replaceAll('~', '~0').replaceAll('/', '~1')
}

function decodeSegment(segment: string, path: string): string {
  return segment.replace(/~(.?)/gsu, (written, code: string) => {
    if (code === '0') return '~'
    if (code === '1') return '/'
    throw new PathError(
      'invalid_escape',
      `The path ${quote(path)} has the escape ${quote(written)}. Write ~0 for a tilde and ~1 for a slash in a segment.`,
    )
  })
}

function emptySegment(path: string): PathError {
  return new PathError(
    'empty_segment',
    `The path ${quote(path)} has an empty segment. Name every segment; no slash at either end.`,
  )
}

function refuseLoneSurrogate(text: string): void {
  if (!isWellFormed(text)) {
    throw new PathError(
      'invalid_surrogate',
      `The path ${quote(text)} has an unpaired surrogate, which has no UTF-8 form.`,
    )
  }
}

/** A path from elsewhere may be of any length; a message is not. */
function quote(text: string): string {
  return excerpt(text)
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}

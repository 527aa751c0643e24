import { PathError, type PathErrorCode, PatternError } from './errors.js'
import type { ExtGlob } from './extglob.js'
import { parsePath, type Segments } from './path.js'

/** A pattern as callers may give it: the rendered form, its segments, or what `extglob()` returns. */
export type PatternInput = string | readonly string[] | ExtGlob

/** A checked pattern, ready to match. */
export interface Pattern {
  readonly source: PatternInput
  /** Whether paths of different depths can match. */
  readonly many: boolean
  /** How many segments every matching path has; undefined when `many`. */
  readonly depth: number | undefined
  /** The literal segments that every matching path begins with, to narrow a scan; all of them when `exact`. */
  readonly prefix: Segments
  /** Whether the pattern is just a path. */
  readonly exact: boolean
  matches(segments: Segments): boolean
  /** Whether it could match a path strictly below. May err on the side of yes, for some extended patterns. */
  mayMatchBelow(segments: Segments): boolean
}

/** What a segment of a Dust glob asks for: one text, one segment of any kind, or one and more of any kind. */
export type GlobSegment = { readonly literal: string } | 'one' | 'many'

/**
 * Where `extglob()` keeps what it has made of a pattern: on the object itself, so that reading patterns does not need
 * the compiler, which is a third of what a page would load. It does not cross to a worker.
 */
export const COMPILED = Symbol('compiled')

/**
 * Parses a pattern in the place where it was made: a Dust glob, or what `extglob()` gave. See `parsePattern` for those
 * that have come from elsewhere.
 * @throws PatternError as that does; also for an extended pattern that was not made by `extglob()` here.
 */
export function parseGivenPattern(input: unknown): Pattern {
  if (!isExtGlob(input)) return parseDustGlob(input)
  const compiled = input[COMPILED]
  if (compiled) return compiled
  throw new PatternError(
    'invalid_extglob',
    'An extended pattern is made by extglob(), in the page that uses it.',
  )
}

/**
 * Parses Dust's own globs (spec/semantics.md §2): `*` is exactly one segment, a final `**` is one or more, `\*` and
 * `\**` are literal, and everything else is a literal segment.
 * @throws PatternError with the code a path would give, or `wildcard_many_not_tail` for a `**` that is not last.
 */
export function parseDustGlob(input: unknown): Pattern {
  const glob = parseGlob(input)
  const wild = glob.findIndex((segment) => typeof segment === 'string')
  const many = glob.at(-1) === 'many'
  return {
    // Text or a list of texts: parseGlob refuses everything else.
    source: Array.isArray(input) ? [...input] : (input as string),
    many,
    depth: many ? undefined : glob.length,
    prefix: literals(wild === -1 ? glob : glob.slice(0, wild)),
    exact: wild === -1,
    matches: (segments) => matchesGlob(glob, segments),
    mayMatchBelow: (segments) => reachesBelow(glob, segments),
  }
}

/** The segments of a Dust glob. @throws PatternError as {@link parseDustGlob} does. */
export function parseGlob(input: unknown): readonly GlobSegment[] {
  const glob = parseSegments(input).map(toGlobSegment)
  const early = glob.indexOf('many')
  if (early !== -1 && early < glob.length - 1) {
    throw new PatternError(
      'wildcard_many_not_tail',
      `The pattern ${JSON.stringify(input)} has ** before its last segment. Use * for one segment, or extglob().`,
    )
  }
  return glob
}

function parseSegments(input: unknown): Segments {
  try {
    return parsePath(input)
  } catch (error) {
    if (!(error instanceof PathError)) throw error
    // The code of a PathError is one of PathErrorCode; the class keeps it as text.
    throw new PatternError(error.code as PathErrorCode, `Pattern: ${error.message}`)
  }
}

function toGlobSegment(segment: string): GlobSegment {
  switch (segment) {
    case '*':
      return 'one'
    case '**':
      return 'many'
    case '\\*':
    case '\\**':
      return { literal: segment.slice(1) }
    default:
      return { literal: segment }
  }
}

function literals(glob: readonly GlobSegment[]): Segments {
  return glob.flatMap((segment) => (typeof segment === 'string' ? [] : [segment.literal]))
}

function matchesGlob(glob: readonly GlobSegment[], segments: Segments): boolean {
  for (const [i, wanted] of glob.entries()) {
    if (i >= segments.length) return false
    if (wanted === 'many') return true
    if (wanted !== 'one' && wanted.literal !== segments[i]) return false
  }
  return segments.length === glob.length
}

/** Whether the glob goes on after these segments. */
function reachesBelow(glob: readonly GlobSegment[], segments: Segments): boolean {
  for (const [i, segment] of segments.entries()) {
    const wanted = glob[i]
    if (wanted === 'many') return true
    if (wanted === undefined || (wanted !== 'one' && wanted.literal !== segment)) return false
  }
  return glob.length > segments.length
}

export function isExtGlob(input: unknown): input is ExtGlob {
  return typeof input === 'object' && input !== null && !Array.isArray(input) && 'extglob' in input
}

import { expandBraces } from './brace-expansion.js'
import { PatternError } from './errors.js'
import { compileSegment, type SegmentMatcher } from './extglob-segment.js'
import { COMPILED, type Pattern } from './glob.js'
import type { Segments } from './path.js'
import { isWellFormed } from './well-formed.js'

/** An extended pattern, as plain data that can cross to a worker or another tab. Made by {@link extglob}. */
export interface ExtGlob {
  readonly extglob: string
  /** What it means, where it was made. */
  readonly [COMPILED]?: Pattern
}

/** A bound on what a pattern can cost to compile and to match. */
const MAX_LENGTH = 1_024

/**
 * Makes an extended pattern, which is accepted wherever a pattern is, and evaluated on this side of the wire:
 * `extglob('posts/{draft,live}-*\/title')`. It is written like a rendered path, and its segments may hold
 *
 * - `*` (any text, also none; alone in a segment: any segment), `?` (one character), `[a-z]`, `[!a-z]`;
 * - `{a,b/c}` and `{1..20}`, expanded first as shells do, so they may reach over slashes;
 * - `@(a|b)` one of, `?(a|b)` one of or nothing, and at the end of a segment `!(a|b)` anything else;
 * - `**` as a whole segment: any number of segments, **also none** (unlike Dust's own `**`);
 * - `!` at the very beginning: every path that the rest does not match;
 * - `\` before any of these: that character itself. `~1` is a slash in a name and `~0` a tilde, as in paths.
 *
 * Names that begin with a dot, `.` and `..` are names like any other. Matching is case-sensitive.
 * @throws PatternError `invalid_extglob` for malformed patterns and those that could take too long to match:
 *   `*(…)` and `+(…)`, more than 1,024 characters, 256 alternatives or 4 wildcards in a segment.
 */
export function extglob(pattern: string): ExtGlob {
  const glob: ExtGlob = { extglob: pattern }
  // Not enumerable: as data, the object is the text alone.
  return Object.defineProperty(glob, COMPILED, { value: compileExtGlob(glob) })
}

/** @throws PatternError as {@link extglob} does; the object may have come from elsewhere. */
export function compileExtGlob(source: ExtGlob): Pattern {
  const text: unknown = source.extglob
  if (typeof text !== 'string') throw new PatternError('invalid_extglob', 'An extended pattern is text.')
  try {
    return compile(source, text)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new PatternError(
      'invalid_extglob',
      `extglob(${JSON.stringify(text.slice(0, 100))}): ${error.message}`,
    )
  }
}

function compile(source: ExtGlob, text: string): Pattern {
  if (text.length > MAX_LENGTH) {
    throw new PatternError(
      'invalid_extglob',
      `a pattern may have ${MAX_LENGTH} characters, this one has ${text.length}.`,
    )
  }
  if (!isWellFormed(text))
    throw new PatternError('invalid_extglob', 'it has an unpaired surrogate, as no path can have.')
  const negated = text.startsWith('!') && !text.startsWith('!(')
  const alternatives = expandBraces(negated ? text.slice(1) : text).map(compileAlternative)
  const matchesAny = (segments: Segments): boolean =>
    alternatives.some((alternative) => matchesAll(alternative, segments))
  if (negated) {
    return {
      source,
      many: true,
      depth: undefined,
      prefix: [],
      exact: false,
      matches: (path) => !matchesAny(path),
      // Unless one alternative alone takes all that is below. (Several could do so together; that is a yes too many.)
      mayMatchBelow: (path) => !alternatives.some((alternative) => takesAllBelow(alternative, path)),
    }
  }
  const depth = commonDepth(alternatives)
  const prefix = commonPrefix(alternatives)
  return {
    source,
    many: depth === undefined,
    depth,
    prefix,
    exact: prefix.length === depth,
    matches: matchesAny,
    mayMatchBelow: (path) => alternatives.some((alternative) => reachesBelow(alternative, path)),
  }
}

function compileAlternative(alternative: string): readonly SegmentMatcher[] {
  return alternative.split('/').map(compileSegment)
}

/** Goes back to the last `**` only: an earlier one could not do better, so the time is bounded by n × m. */
function matchesAll(matchers: readonly SegmentMatcher[], segments: Segments): boolean {
  let m = 0
  let s = 0
  let resumeM = -1
  let resumeS = 0
  while (s < segments.length) {
    const matcher = matchers[m]
    if (matcher?.kind === 'many') {
      resumeM = ++m
      resumeS = s
    } else if (matcher && matchesOne(matcher, segments[s] as string)) {
      m++
      s++
    } else if (resumeM !== -1) {
      m = resumeM
      s = ++resumeS
    } else {
      return false
    }
  }
  while (matchers[m]?.kind === 'many') m++
  return m === matchers.length
}

/** Whether a longer path, of which these are the first segments, can match. */
function reachesBelow(matchers: readonly SegmentMatcher[], segments: Segments): boolean {
  return [...restsAfter(matchers, segments)].some((at) => at < matchers.length)
}

/** Whether every longer path, of which these are the first segments, matches. */
function takesAllBelow(matchers: readonly SegmentMatcher[], segments: Segments): boolean {
  return [...restsAfter(matchers, segments)].some(
    (at) => at < matchers.length && matchers.slice(at).every(({ kind }) => kind === 'many'),
  )
}

/** Where in the matchers one may be after these segments. A `many` stays until it is skipped. */
function restsAfter(matchers: readonly SegmentMatcher[], segments: Segments): Set<number> {
  let rests = withSkipped(matchers, [0])
  for (const segment of segments) {
    const next = [...rests].flatMap((at) => {
      const matcher = matchers[at]
      if (matcher === undefined) return []
      if (matcher.kind === 'many') return [at]
      return matchesOne(matcher, segment) ? [at + 1] : []
    })
    rests = withSkipped(matchers, next)
  }
  return rests
}

function withSkipped(matchers: readonly SegmentMatcher[], rests: readonly number[]): Set<number> {
  const all = new Set<number>()
  for (let at of rests) {
    all.add(at)
    while (matchers[at]?.kind === 'many') all.add(++at)
  }
  return all
}

function matchesOne(matcher: SegmentMatcher, segment: string): boolean {
  switch (matcher.kind) {
    case 'literal':
      return matcher.text === segment
    case 'partial':
      return matcher.matches(segment)
    default:
      return true
  }
}

function commonDepth(alternatives: readonly (readonly SegmentMatcher[])[]): number | undefined {
  const depth = alternatives[0]?.length
  const fixed = alternatives.every(
    (matchers) => matchers.length === depth && matchers.every(({ kind }) => kind !== 'many'),
  )
  return fixed ? depth : undefined
}

function commonPrefix(alternatives: readonly (readonly SegmentMatcher[])[]): Segments {
  const prefix: string[] = []
  for (const matcher of alternatives[0] ?? []) {
    if (matcher.kind !== 'literal') break
    const { text } = matcher
    const shared = alternatives.every((matchers) => {
      const other = matchers[prefix.length]
      return other?.kind === 'literal' && other.text === text
    })
    if (!shared) break
    prefix.push(text)
  }
  return prefix
}

import picomatch from 'picomatch/posix.js'
import { classEnd, MAX_ALTERNATIVES } from './brace-expansion.js'
import { PatternError } from './errors.js'

/** What one segment of an extended pattern asks of one segment of a path (`many`: of any number of them). */
export type SegmentMatcher =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'many' }
  | { readonly kind: 'partial'; matches(segment: string): boolean }

/** Next to groups, each `*` may multiply the time of a match by the length of the segment. */
const MAX_STARS = 4

/**
 * Compiles one segment of a pattern whose braces are expanded already.
 *
 * picomatch makes the regular expression; but its own reading of a pattern has more meanings than we promise
 * (regular expression syntax, `.` and `..`, escapes such as `\d`). So we read the pattern ourselves and hand it only
 * wildcards, classes and groups, with every other ASCII character that is no letter or digit put out of its sight:
 * moved to a lone low surrogate, which no path contains. The same is done to the segment that is matched.
 * @throws PatternError `invalid_extglob`
 */
export function compileSegment(text: string): SegmentMatcher {
  if (text === '') invalid('it has an empty segment; name every segment, with no slash at either end.')
  if (text === '**') return { kind: 'many' }
  const { glob, literal, only, stars } = readSegment(text)
  if (literal !== undefined) return { kind: 'literal', text: literal }
  if (only === 'star') return { kind: 'one' }
  if (stars > MAX_STARS)
    invalid(`it has more than ${MAX_STARS} wildcards in one segment, which could take too long to match.`)
  // Everything that could be a parenthesis in a name is out of sight, so this one opens a group.
  const regex = glob.includes('(') ? picomatch.makeRe(glob, PICOMATCH_OPTIONS) : makeSimpleRe(glob)
  return { kind: 'partial', matches: (segment) => regex.test(hideSpecials(segment)) }
}

const PICOMATCH_OPTIONS = {
  dot: true,
  // Unicode, so that ? and classes see characters and not UTF-16 units; s, so that they see line breaks.
  flags: 'su',
  // picomatch's shorter way escapes characters that need none, which the flag u forbids.
  fastpaths: false,
  // Without these, picomatch takes a class for literal text too, and a final slash for optional.
  literalBrackets: false,
  strictSlashes: true,
  // Throws a regular expression's error instead of answering with one that never matches.
  debug: true,
  maxLength: 65_536,
}

/**
 * Without groups, what stands between two stars has one length, so a star need never take more than it must. Held to
 * that, by lookaheads, it cannot be tried again, and the time of a match is bounded by n × m.
 */
function makeSimpleRe(glob: string): RegExp {
  const pieces = glob.split('*').map((piece) => (piece === '' ? '' : sourceOf(piece)))
  const [first = '', ...others] = pieces
  const last = others.pop()
  const inner = others.map((piece, i) => `(?=([^/]*?${piece}))\\${i + 1}`).join('')
  return new RegExp(`^${first}${last === undefined ? '' : `${inner}[^/]*${last}`}$`, PICOMATCH_OPTIONS.flags)
}

/** Of the regular expression `^(?:…)$` that picomatch makes, what is inside. */
function sourceOf(glob: string): string {
  return picomatch.makeRe(glob, PICOMATCH_OPTIONS).source.slice('^(?:'.length, -')$'.length)
}

interface Sequence {
  /** In picomatch's syntax. */
  readonly glob: string
  /** What it matches, when that is one text only. */
  readonly literal: string | undefined
  readonly only: 'star' | undefined
  /** The greatest number of stars that one match can pass through. */
  readonly stars: number
  /** In how many ways the groups can be chosen. */
  readonly choices: number
}

function readSegment(text: string): Sequence {
  let at = 0
  return readSequence(0)

  function readSequence(depth: number): Sequence {
    let glob = ''
    let literal: string | undefined = ''
    let stars = 0
    let choices = 1
    let parts = 0
    const add = (part: string): void => {
      glob += part
      literal = undefined
      parts++
    }
    while (at < text.length) {
      const character = text[at] as string
      if (depth > 0 && (character === '|' || character === ')')) break
      if (text[at + 1] === '(' && '@?!*+'.includes(character)) {
        const group = readGroup(character, depth)
        stars += group.stars
        choices *= group.choices
        if (choices > MAX_ALTERNATIVES)
          invalid(`its groups can be chosen in more than ${MAX_ALTERNATIVES} ways.`)
        add(group.glob)
      } else if (character === '*') {
        while (text[at] === '*' && text[at + 1] !== '(') at++
        stars++
        add('*')
      } else if (character === '?') {
        at++
        // picomatch takes a ? after a group for a quantifier.
        add('[^/]')
      } else if (character === '[') {
        add(readClass())
      } else {
        if (depth > 0 && character === '(')
          invalid('a ( in a group is no character; write \\( for the character itself.')
        const plain = readCharacter()
        glob += hideSpecials(plain)
        parts++
        if (literal !== undefined) literal += plain
      }
    }
    return { glob, literal, only: parts === 1 && glob === '*' ? 'star' : undefined, stars, choices }
  }

  function readGroup(mark: string, depth: number): { glob: string; stars: number; choices: number } {
    if (mark === '*' || mark === '+')
      invalid(`${mark}(…) repeats a group, which could take too long to match.`)
    at += 2
    const options: Sequence[] = []
    for (;;) {
      options.push(readSequence(depth + 1))
      if (at >= text.length) invalid(`a ${mark}( is not closed in its segment.`)
      if (text[at++] === ')') break
    }
    if (mark === '!' && (depth > 0 || at < text.length)) {
      invalid('!(…) is possible at the end of a segment only, and not inside of a group.')
    }
    const globs = options.map(({ glob }) => glob).join('|')
    // picomatch misreads ?(…) after another group or bracket; an empty option says the same.
    return {
      glob: mark === '?' ? `@(|${globs})` : `${mark}(${globs})`,
      stars: Math.max(...options.map(({ stars }) => stars)) + (mark === '!' ? 1 : 0),
      choices: options.reduce((sum, { choices }) => sum + choices, mark === '?' ? 1 : 0),
    }
  }

  /** One character that stands for itself, after its escape if it has one. */
  function readCharacter(): string {
    const character = characterAt()
    if (character === '\\') {
      const escaped = characterAt()
      if (escaped === '') invalid('it has a \\ at the end of a segment; write \\\\ for the character itself.')
      return escaped
    }
    if (character !== '~') return character
    const code = characterAt()
    if (code === '0') return '~'
    if (code === '1') return '/'
    return invalid('it has a ~ that is not ~0 (a tilde) or ~1 (a slash in a name).')
  }

  function characterAt(): string {
    const code = text.codePointAt(at)
    if (code === undefined) return ''
    const character = String.fromCodePoint(code)
    at += character.length
    return character
  }

  function readClass(): string {
    const end = classEnd(text, at)
    at++
    const negated = text[at] === '!' || text[at] === '^'
    if (negated) at++
    if (at === end) invalid('it has an empty class [].')
    let members = ''
    while (at < end) {
      if (text[at] === '[' && ':.='.includes(text[at + 1] as string)) {
        invalid('it has a class such as [:alpha:]; write the characters, or \\[ for the character itself.')
      }
      const from = readCharacter()
      if (text[at] === '-' && at + 1 < end) {
        at++
        members += classRange(from, readCharacter())
      } else {
        members += hideSpecials(from)
      }
    }
    at = end + 1
    return `[${negated ? '^' : ''}${members}]`
  }
}

/** A range as picomatch may see it: ASCII one by one, because some of it moves; the surrogates left out. */
function classRange(from: string, to: string): string {
  const first = from.codePointAt(0) ?? 0
  const last = to.codePointAt(0) ?? 0
  if (first > last) invalid(`it has the range ${from}-${to}, which is the wrong way round.`)
  let members = ''
  for (let code = first; code <= Math.min(last, 0x7f); code++)
    members += hideSpecials(String.fromCharCode(code))
  return members + partOfRange(first, last, 0x80, 0xd7ff) + partOfRange(first, last, 0xe000, 0x10ffff)
}

function partOfRange(first: number, last: number, lowest: number, highest: number): string {
  const from = Math.max(first, lowest)
  const to = Math.min(last, highest)
  return from > to ? '' : `${String.fromCodePoint(from)}-${String.fromCodePoint(to)}`
}

/** Moves ASCII other than letters and digits to the low surrogates U+DC00…U+DC7F. */
function hideSpecials(text: string): string {
  return text.replace(/[^0-9A-Za-z\u0080-\u{10ffff}]/gu, (special) =>
    String.fromCharCode(0xdc00 + special.charCodeAt(0)),
  )
}

function invalid(what: string): never {
  throw new PatternError('invalid_extglob', what)
}

import { compileExtGlob } from './extglob.js'
import { isExtGlob, type Pattern, parseDustGlob } from './glob.js'
import { parsePath } from './path.js'

/**
 * Parses a pattern: a Dust glob, as `parseDustGlob` does, or what `extglob()` gave, here or elsewhere, which brings its
 * own rules.
 * @throws PatternError with the code a path would give, `wildcard_many_not_tail` for a `**` that is not last, or
 *   `invalid_extglob`.
 */
export function parsePattern(input: unknown): Pattern {
  return isExtGlob(input) ? compileExtGlob(input) : parseDustGlob(input)
}

/**
 * Whether a path, given rendered, matches.
 * @throws PathError when the path is none.
 */
export function matchesPath(pattern: Pattern, path: string): boolean {
  return pattern.matches(parsePath(path))
}

import { PatternError } from './errors.js'

/** More alternatives than this are not a pattern any more. */
export const MAX_ALTERNATIVES = 256

/**
 * The patterns that one with braces stands for, as shells expand them: `a{b,c/d}` is `ab` and `ac/d`, `{8..10}` is
 * `8`, `9` and `10`. Braces without a comma or a range are literal; so are all after a backslash or in a class.
 * @throws PatternError for a brace that is not closed, and for more than {@link MAX_ALTERNATIVES} results.
 */
export function expandBraces(pattern: string): string[] {
  const open = findOutside(pattern, 0, '{')
  if (open === -1) return [pattern]
  const { close, parts } = splitBraces(pattern, open)
  const before = pattern.slice(0, open)
  const after = expandBraces(pattern.slice(close + 1))
  const middle = alternatives(parts)
  if (middle.length * after.length > MAX_ALTERNATIVES) tooMany()
  return middle.flatMap((inner) => after.map((rest) => before + inner + rest))
}

function alternatives(parts: readonly string[]): string[] {
  const [first = ''] = parts
  if (parts.length > 1) {
    const expanded = parts.flatMap(expandBraces)
    if (expanded.length > MAX_ALTERNATIVES) tooMany()
    return expanded
  }
  return expandRange(first) ?? expandBraces(first).map((inner) => `\\{${inner}\\}`)
}

/** The texts between the commas of the braces that open at `open`, and where they close. */
function splitBraces(pattern: string, open: number): { close: number; parts: string[] } {
  const parts: string[] = []
  let depth = 0
  let start = open + 1
  for (let at = findOutside(pattern, start, '{,}'); at !== -1; at = findOutside(pattern, at + 1, '{,}')) {
    if (pattern[at] === '{') depth++
    else if (pattern[at] === ',' && depth === 0) {
      parts.push(pattern.slice(start, at))
      start = at + 1
    } else if (pattern[at] === '}' && depth-- === 0) {
      parts.push(pattern.slice(start, at))
      return { close: at, parts }
    }
  }
  throw new PatternError('invalid_extglob', 'a { is not closed; write \\{ for the character itself.')
}

/** The next of the given characters that is neither escaped nor in a class, or -1. */
function findOutside(pattern: string, from: number, characters: string): number {
  for (let at = from; at < pattern.length; at++) {
    const character = pattern[at] as string
    if (characters.includes(character)) return at
    if (character === '\\') at++
    else if (character === '[') at = classEnd(pattern, at)
  }
  return -1
}

/**
 * Where the class that opens at `open` ends.
 * @throws PatternError when it does not.
 */
export function classEnd(pattern: string, open: number): number {
  const first = pattern[open + 1]
  const start = first === '!' || first === '^' ? open + 2 : open + 1
  for (let at = start; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern[at] === ']') return at
  }
  throw new PatternError(
    'invalid_extglob',
    'a [ is not closed in its segment; write \\[ for the character itself.',
  )
}

/** `1..3` or `a..e`, upwards or downwards; a leading zero asks for numbers of equal width. */
function expandRange(text: string): string[] | undefined {
  const numbers = /^(-?\d{1,9})\.\.(-?\d{1,9})$/.exec(text)
  if (numbers) {
    const [, from = '', to = ''] = numbers
    const width = /^-?0\d/.test(from) || /^-?0\d/.test(to) ? Math.max(from.length, to.length) : 0
    return countTo(Number(from), Number(to)).map((n) => padNumber(n, width))
  }
  const letters = /^([a-z])\.\.([a-z])$|^([A-Z])\.\.([A-Z])$/.exec(text)
  if (!letters) return undefined
  const [, from = letters[3] ?? '', to = letters[4] ?? ''] = letters
  return countTo(from.charCodeAt(0), to.charCodeAt(0)).map((code) => String.fromCharCode(code))
}

function countTo(from: number, to: number): number[] {
  const size = Math.abs(to - from) + 1
  if (size > MAX_ALTERNATIVES) tooMany()
  return Array.from({ length: size }, (_, i) => (from < to ? from + i : from - i))
}

function padNumber(n: number, width: number): string {
  return n < 0 ? `-${String(-n).padStart(width - 1, '0')}` : String(n).padStart(width, '0')
}

function tooMany(): never {
  throw new PatternError('invalid_extglob', `its braces stand for more than ${MAX_ALTERNATIVES} patterns.`)
}

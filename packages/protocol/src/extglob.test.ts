import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatternError } from './errors.js'
import { extglob } from './extglob.js'
import { parseGivenPattern } from './glob.js'
import { matchesPath, parsePattern } from './pattern.js'

function matches(pattern: string, path: string): boolean {
  return matchesPath(parsePattern(extglob(pattern)), path)
}

describe('what matches', () => {
  it.each([
    [
      'posts/{draft,live}-*/title',
      ['posts/draft-1/title', 'posts/live-/title'],
      ['posts/old-1/title', 'posts/draft-1', 'posts/draft-1/x/title'],
    ],
    ['a/{b,c/d}/e', ['a/b/e', 'a/c/d/e'], ['a/c/e', 'a/b/d/e']],
    ['{a,b{1..3}}', ['a', 'b1', 'b3'], ['b', 'b4', 'a1']],
    ['n{08..11}', ['n08', 'n11'], ['n8', 'n12']],
    ['{c..a}', ['a', 'b', 'c'], ['d', 'c..a']],
    ['{a}/{}', ['{a}/{}'], ['a']],
    ['*', ['a', '.', '..', '.hidden', 'a~1b', '~0', '\n', '😀'], ['a/b']],
    ['a*', ['a', 'ab', 'a.b', 'a~1b', 'a\nb'], ['A', 'ba', 'a/b']],
    ['.*', ['.', '..', '.a'], ['a', 'a.']],
    ['./..', ['./..'], ['..', 'a', '.', '../.']],
    ['a?c', ['abc', 'a😀c', 'a.c', 'a~1c', 'a~0c'], ['ac', 'abbc', 'a/c']],
    ['[a-cx]1', ['a1', 'c1', 'x1'], ['d1', '[a-cx]1', 'a', '-1']],
    ['[!a-c]', ['d', '😀', '.', '~1'], ['a', 'c', 'dd']],
    ['[^a]', ['b', '^'], ['a']],
    ['[+--]', ['+', ',', '-'], ['.', 'a']],
    ['[a\\]~1~0-]', ['a', ']', '~1', '~0', '-'], ['b', '\\']],
    ['[à-ü😀-😂]', ['é', '😁'], ['e', '😃']],
    ['["-\u{10ffff}]', ['.', 'a', '~1', '\ue000'], [' ', '!', '\n']],
    ['@(a|b*)c', ['ac', 'bc', 'bxc'], ['c', 'axc', 'abc!']],
    ['?(a)?', ['b', 'ab', 'a'], ['bb', 'abc']],
    ['@(?(a)|b)c', ['ac', 'bc', 'c'], ['abc']],
    ['x!(a|b*)', ['x', 'xc', 'xaa'], ['xa', 'xb', 'xbc', 'y']],
    ['!(a)', ['b', 'aa'], ['a', 'b/c']],
    ['!(a)/b', ['c/b'], ['a/b', 'c/c']],
    ['!a/*', ['b/x', 'a', 'a/b/c'], ['a/x']],
    ['!**', [], ['a', 'a/b']],
    ['**', ['a', 'a/b/c'], []],
    ['a/**', ['a', 'a/b', 'a/b/c'], ['b', 'ab']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/z/z'], ['a', 'z', 'a/z/y']],
    ['**/a/**/b', ['a/b', 'x/a/b', 'a/x/b', 'a/a/b/b'], ['b', 'a', 'b/a']],
    ['{a/**,b}/c', ['a/c', 'a/x/y/c', 'b/c'], ['b/x/c']],
    ['a**b', ['ab', 'axb'], ['a/b']],
    ['a~1*', ['a~1', 'a~1b'], ['a/b', 'ab']],
    ['\\*\\?\\[\\{\\!', ['*?[{!'], ['a', '\\*\\?\\[\\{\\!']],
    ['\\d', ['d'], ['1', '\\d']],
    ['\\!a', ['!a'], ['b', 'a']],
    ['a+|$^"\'()]},-_ ', ['a+|$^"\'()]},-_ '], ['aa', 'a']],
    ['a+*', ['a+', 'a+b'], ['aa', 'a']],
    ['(a|b)', ['(a|b)'], ['a', 'b']],
    ['constructor/__proto__', ['constructor/__proto__'], ['a/b']],
  ])('%s', (pattern, yes, no) => {
    for (const path of yes) expect([path, matches(pattern, path)]).toEqual([path, true])
    for (const path of no) expect([path, matches(pattern, path)]).toEqual([path, false])
  })
})

describe('what narrows a scan', () => {
  it.each([
    ['posts/{draft,live}-*/title', { many: false, depth: 3, prefix: ['posts'], exact: false }],
    ['{a/x,a/y}/z', { many: false, depth: 3, prefix: ['a'], exact: false }],
    ['{a,b/c}', { many: true, depth: undefined, prefix: [], exact: false }],
    ['a/\\*/~1', { many: false, depth: 3, prefix: ['a', '*', '/'], exact: true }],
    ['{a,a}', { many: false, depth: 1, prefix: ['a'], exact: true }],
    ['a/**', { many: true, depth: undefined, prefix: ['a'], exact: false }],
    ['!a', { many: true, depth: undefined, prefix: [], exact: false }],
  ])('%s', (pattern, expected) => {
    expect(parsePattern(extglob(pattern))).toMatchObject(expected)
  })
})

describe('what is refused', () => {
  it.each([
    '',
    '!',
    'a//b',
    '/a',
    'a/',
    '{a,}/b/{c,}',
    'a{b',
    'a[b',
    '[]',
    '[!]',
    '[a/b]',
    '[b-a]',
    '[[:alpha:]]',
    '@(a|b',
    '@(a/b)',
    '@(a(b))',
    '*(a)',
    '+(a|b)',
    'a**(b)',
    '!(a)b',
    '@(!(a))',
    'a\\',
    'a\\/b',
    '~',
    'a~2',
    '*a*b*c*d*e',
    '{1..300}',
    '{a,b}'.repeat(9),
    '?(a)'.repeat(9),
    'a'.repeat(1_025),
    'a\ud800',
  ])('%s', (pattern) => {
    expect(() => extglob(pattern)).toThrow(
      expect.objectContaining({ name: 'PatternError', code: 'invalid_extglob' }),
    )
  })

  it('never anything but a PatternError, and quickly', () => {
    const text = fc.string({ unit: fc.constantFrom(...'a/b*?[]{}()!@+|,.~01\\-^:😀'), maxLength: 40 })
    fc.assert(
      fc.property(
        text,
        fc.array(fc.string({ unit: fc.constantFrom(...'ab*?/.!😀'), minLength: 1 }), { minLength: 1 }),
        (pattern, path) => {
          try {
            expect(typeof parsePattern(extglob(pattern)).matches(path)).toBe('boolean')
          } catch (error) {
            expect(error).toBeInstanceOf(PatternError)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('takes no exponential time', () => {
    const nested = parsePattern(extglob(`${'**/*/'.repeat(50)}x`))
    expect(nested.matches(Array.from({ length: 500 }, () => 'y'))).toBe(false)
    const partial = parsePattern(extglob('*a*a*a*b'))
    expect(partial.matches(['a'.repeat(5_000)])).toBe(false)
    expect(partial.matches([`${'a'.repeat(5_000)}b`])).toBe(true)
  })
})

/** The oracle: the same language as a tree, matched by trying everything. */
type Part =
  | { kind: 'text'; text: string }
  | { kind: 'star' }
  | { kind: 'any' }
  | { kind: 'class'; not: boolean; members: string[] }
  | { kind: 'group'; optional: boolean; options: Part[][] }

function write(parts: readonly Part[]): string {
  return parts.map(writePart).join('')
}

function writePart(part: Part): string {
  switch (part.kind) {
    case 'text':
      return [...part.text].map(escapeCharacter).join('')
    case 'star':
      return '*'
    case 'any':
      return '?'
    case 'class':
      return `[${part.not ? '!' : ''}${part.members.map(escapeCharacter).join('')}]`
    case 'group':
      return `${part.optional ? '?' : '@'}(${part.options.map(write).join('|')})`
  }
}

function escapeCharacter(character: string): string {
  if (character === '/') return '~1'
  return character === '~' ? '~0' : /[a-z0-9]/.test(character) ? character : `\\${character}`
}

/** All ways to match the beginning of the characters, as how many characters are used. */
function ends(parts: readonly Part[], characters: readonly string[], from: number): Set<number> {
  let positions = new Set([from])
  for (const part of parts)
    positions = new Set([...positions].flatMap((at) => [...endsOf(part, characters, at)]))
  return positions
}

function endsOf(part: Part, characters: readonly string[], at: number): Iterable<number> {
  const next = characters[at]
  switch (part.kind) {
    case 'text':
      return [...part.text].every((c, i) => characters[at + i] === c) ? [at + [...part.text].length] : []
    case 'star':
      return Array.from({ length: characters.length - at + 1 }, (_, i) => at + i)
    case 'any':
      return next === undefined ? [] : [at + 1]
    case 'class':
      return next !== undefined && part.members.includes(next) !== part.not ? [at + 1] : []
    case 'group':
      return [
        ...(part.optional ? [at] : []),
        ...part.options.flatMap((option) => [...ends(option, characters, at)]),
      ]
  }
}

const ALPHABET = [...'ab.~/-]!^$(|\n😀\ue000']
const character = fc.constantFrom(...ALPHABET)
const simple = fc.oneof(
  fc
    .array(character, { minLength: 1, maxLength: 3 })
    .map((list): Part => ({ kind: 'text', text: list.join('') })),
  fc.constant<Part>({ kind: 'star' }),
  fc.constant<Part>({ kind: 'any' }),
  fc.record({
    kind: fc.constant('class' as const),
    not: fc.boolean(),
    members: fc.array(character, { minLength: 1, maxLength: 3 }),
  }),
)
const inner = fc.array(simple, { maxLength: 2 })
const part: fc.Arbitrary<Part> = fc.oneof(
  { weight: 3, arbitrary: simple },
  fc.record({
    kind: fc.constant('group' as const),
    optional: fc.boolean(),
    options: fc.array(inner, { minLength: 1, maxLength: 2 }),
  }),
)
const subject = fc.array(character, { minLength: 1, maxLength: 6 })

function starsIn(parts: readonly Part[]): number {
  return parts.reduce((sum, each) => {
    if (each.kind === 'star') return sum + 1
    return each.kind === 'group' ? sum + Math.max(...each.options.map(starsIn)) : sum
  }, 0)
}

describe('against the oracle', () => {
  it('segments match as the definition says', () => {
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.array(subject, { minLength: 1 }),
        (parts, subjects) => {
          fc.pre(starsIn(parts) <= 4 && write(parts) !== '')
          // Alone, two stars have a meaning of their own.
          const pattern = parsePattern(extglob(`x/${write(parts).replaceAll('**', '*')}`))
          for (const characters of subjects) {
            const expected = ends(parts, characters, 0).has(characters.length)
            expect([write(parts), characters, pattern.matches(['x', characters.join('')])]).toEqual([
              write(parts),
              characters,
              expected,
            ])
          }
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('!(…) ends a segment with anything but its options', () => {
    fc.assert(
      fc.property(
        inner,
        fc.array(inner, { minLength: 1, maxLength: 2 }),
        subject,
        (before, options, characters) => {
          const text = `${write(before).replaceAll('**', '*')}!(${options.map(write).join('|').replaceAll('**', '*')})`
          fc.pre(starsIn(before) + Math.max(...options.map(starsIn)) < 4)
          const rests = [...ends(before, characters, 0)]
          const expected = rests.some(
            (at) => !options.some((option) => ends(option, characters, at).has(characters.length)),
          )
          expect([text, parsePattern(extglob(`x/${text}`)).matches(['x', characters.join('')])]).toEqual([
            text,
            expected,
          ])
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('** stands for any number of segments', () => {
    const names = fc.constantFrom('a', 'b')
    const glob = fc.array(fc.oneof(names, fc.constantFrom('*', '**')), { minLength: 1, maxLength: 5 })
    const matchesList = (list: readonly string[], path: readonly string[]): boolean => {
      const [first, ...rest] = list
      if (first === undefined) return path.length === 0
      if (first === '**')
        return matchesList(rest, path) || (path.length > 0 && matchesList(list, path.slice(1)))
      return path.length > 0 && (first === '*' || first === path[0]) && matchesList(rest, path.slice(1))
    }
    fc.assert(
      fc.property(glob, fc.array(names, { minLength: 1, maxLength: 6 }), (list, path) => {
        expect(parsePattern(extglob(list.join('/'))).matches(path)).toBe(matchesList(list, path))
      }),
    )
  })
})

describe('where a pattern was made', () => {
  it('it is read without being compiled anew, and travels as its text', () => {
    const made = extglob('a/{b,c}')
    expect(parseGivenPattern(made)).toBe(parseGivenPattern(made))
    expect(matchesPath(parseGivenPattern(made), 'a/c')).toBe(true)
    const copy = structuredClone(made)
    expect(copy).toEqual({ extglob: 'a/{b,c}' })
    expect(matchesPath(parsePattern(copy), 'a/c')).toBe(true)
    expect(() => parseGivenPattern(copy)).toThrow(PatternError)
  })

  it('Dust globs are read as everywhere', () => {
    expect(matchesPath(parseGivenPattern('a/*'), 'a/b')).toBe(true)
    expect(() => parseGivenPattern('**/a')).toThrow(PatternError)
  })
})

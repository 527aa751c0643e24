import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PatternError } from './errors.js'
import { extglob } from './extglob.js'
import { matchesPath, parsePattern } from './pattern.js'

interface GlobVector {
  id: string
  pattern: unknown
  valid: boolean
  error: string
  path: string[]
  match: boolean
}

const vectors: GlobVector[] = JSON.parse(
  readFileSync(new URL('../vectors/dust-globs.json', import.meta.url), 'utf8'),
)

describe('vectors', () => {
  for (const { id, pattern, valid, error, path, match } of vectors) {
    if (valid) {
      it(`D04 ${id}`, () => {
        expect(parsePattern(pattern).matches(path)).toBe(match)
      })
    } else {
      it(`D05 ${id} ${error}`, () => {
        expect(() => parsePattern(pattern)).toThrow(
          expect.objectContaining({ name: 'PatternError', code: error }),
        )
      })
    }
  }
})

describe('parsePattern', () => {
  it.each([
    ['a/b', { many: false, depth: 2, prefix: ['a', 'b'], exact: true }],
    ['a/*/c', { many: false, depth: 3, prefix: ['a'], exact: false }],
    ['*', { many: false, depth: 1, prefix: [], exact: false }],
    ['a~1b/**', { many: true, depth: undefined, prefix: ['a/b'], exact: false }],
    ['\\*/\\**', { many: false, depth: 2, prefix: ['*', '**'], exact: true }],
  ])('describes %s', (source, expected) => {
    expect(parsePattern(source)).toMatchObject({ source, ...expected })
  })

  it('takes what extglob() made, also after a structured clone', () => {
    const pattern = parsePattern(structuredClone(extglob('posts/{draft,live}-*/title')))
    expect(matchesPath(pattern, 'posts/draft-1/title')).toBe(true)
    expect(matchesPath(pattern, 'posts/old-1/title')).toBe(false)
  })

  it('refuses objects that are no patterns', () => {
    for (const input of [{}, { extglob: 5 }, () => 'a', undefined])
      expect(() => parsePattern(input)).toThrow(PatternError)
  })

  it('does not keep the list it was given', () => {
    const list = ['a', '*']
    const pattern = parsePattern(list)
    list[1] = 'b'
    expect(pattern.source).toEqual(['a', '*'])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extglob } from './extglob.js'
import type { Segments } from './path.js'
import { parsePattern } from './pattern.js'
import { createPatternIndex } from './pattern-index.js'

const name = fc.constantFrom('a', 'b', 'c')
const path = fc.array(name, { minLength: 1, maxLength: 4 })
const glob = fc
  .tuple(fc.array(fc.oneof(name, fc.constant('*')), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([segments, tail]) => (tail ? [...segments, '**'] : segments))
const extended = fc
  .constantFrom('a/{b,c}', '**', 'a/**/c', '!a/*', '[ab]/*', 'a/b/c', '!a/**', '**/b/**', '!**/c', 'a/b/**')
  .map(extglob)
/** All paths of up to four segments of names that some pattern knows and one that none does. */
const one = ['a', 'b', 'c', 'other'].map((segment) => [segment])
const longer = (heads: readonly string[][]) => heads.flatMap((head) => one.map((tail) => [...head, ...tail]))
const tails = [...one, ...longer(one), ...longer(longer(one)), ...longer(longer(longer(one)))]

const pattern = fc.oneof({ weight: 3, arbitrary: glob }, extended).map(parsePattern)

describe('createPatternIndex', () => {
  it('finds what trying every pattern finds, in order of registration, after any removals', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(pattern, fc.boolean()), { maxLength: 30 }),
        fc.array(path),
        (entries, paths) => {
          const index = createPatternIndex<number>()
          const offs = entries.map(([each], i) => index.add(each, i))
          entries.forEach(([, removed], i) => {
            if (removed) offs[i]?.()
          })
          expect(index.size).toBe(entries.filter(([, removed]) => !removed).length)
          for (const segments of paths) {
            const expected = entries.flatMap(([each, removed], i) =>
              !removed && each.matches(segments) ? [i] : [],
            )
            expect(index.match(segments)).toEqual(expected)
          }
        },
      ),
    )
  })

  it('matchPrefixes finds every prefix that trying every pattern on each finds', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 20 }), path, (patterns, segments) => {
        const index = createPatternIndex<number>()
        patterns.forEach((each, i) => {
          index.add(each, i)
        })
        const expected = patterns.flatMap((each, value) =>
          segments.flatMap((_, i) =>
            each.matches(segments.slice(0, i + 1)) ? [{ value, length: i + 1 }] : [],
          ),
        )
        expect(index.matchPrefixes(segments)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('below finds the patterns that match some longer path, and mayMatchBelow whether there are any', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(pattern, fc.boolean()), { maxLength: 20 }),
        fc.array(name, { maxLength: 3 }),
        (entries, segments) => {
          const index = createPatternIndex<number>()
          const offs = entries.map(([each], i) => index.add(each, i))
          entries.forEach(([, removed], i) => {
            if (removed) offs[i]?.()
          })
          const expected = entries.flatMap(([each, removed], i) =>
            !removed && tails.some((tail) => each.matches([...segments, ...tail])) ? [i] : [],
          )
          expect(index.below(segments)).toEqual(expected)
          expect(index.mayMatchBelow(segments)).toBe(expected.length > 0)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('keeps one value under several patterns apart, and the same pattern twice', () => {
    const index = createPatternIndex<string>()
    const off = index.add(parsePattern('a/*'), 'x')
    index.add(parsePattern('a/*'), 'x')
    index.add(parsePattern('**'), 'x')
    off()
    off()
    expect(index.size).toBe(2)
    expect(index.match(['a', 'b'])).toEqual(['x', 'x'])
  })

  it('tries only the extended patterns whose prefix agrees, and no Dust glob at all', () => {
    const index = createPatternIndex<number>()
    let tried = 0
    const counting = (input: unknown) => {
      const inner = parsePattern(input)
      const matches = (segments: Segments): boolean => {
        tried++
        return inner.matches(segments)
      }
      return { ...inner, matches }
    }
    for (let i = 0; i < 5_000; i++) {
      index.add(counting(`users/${i}/*`), i)
      index.add(counting(extglob(`posts/${i}/{a,b}`)), i)
    }
    expect(index.match(['users', '42', 'name'])).toEqual([42])
    expect(tried).toBe(0)
    expect(index.match(['posts', '42', 'b'])).toEqual([42])
    expect(tried).toBe(1)
  })
})

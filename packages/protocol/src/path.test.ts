import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PathError } from './errors.js'
import {
  ancestorsOf,
  childPath,
  compareUtf8,
  descendantRange,
  isAncestor,
  normalizePath,
  parentPath,
  parsePath,
  parseSegments,
  renderPath,
} from './path.js'

interface PathVectors {
  cases: {
    id: string
    from: 'rendered' | 'segments'
    input: unknown
    valid: boolean
    segments: string[]
    rendered: string
    error: string
  }[]
  ancestry: { a: string[]; b: string[]; a_is_strict_ancestor_of_b: boolean; descendant_prefix_of_a: string }[]
  utf8_byte_order: string[]
}

const vectors: PathVectors = JSON.parse(
  readFileSync(new URL('../vectors/dust-paths.json', import.meta.url), 'utf8'),
)

const segment = fc.oneof(
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.string({ minLength: 1, unit: fc.constantFrom('~', '/', '0', '1', '*', '.', '😀', '\ue000') }),
)
const segments = fc.array(segment, { minLength: 1, maxLength: 6 })

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof PathError) return error.code
    throw error
  }
  return 'no error'
}

describe('D12 dots', () => {
  it('mean nothing: a dotted text is one segment', () => {
    expect(parsePath('post.tags')).toEqual(['post.tags'])
  })
})

describe('vectors', () => {
  for (const { id, from, input, valid, ...expected } of vectors.cases) {
    const parse = from === 'rendered' ? parsePath : parseSegments
    if (valid) {
      it(`D01 ${id}`, () => {
        expect(parse(input)).toEqual(expected.segments)
        expect(renderPath(parse(input))).toBe(expected.rendered)
        expect(normalizePath(input)).toBe(expected.rendered)
      })
    } else {
      it(`D02 ${id} ${expected.error}`, () => {
        expect(codeOf(() => parse(input))).toBe(expected.error)
      })
    }
  }

  it.each(vectors.ancestry)(
    'D03 $a above $b',
    ({ a, b, a_is_strict_ancestor_of_b: above, descendant_prefix_of_a }) => {
      expect(isAncestor(renderPath(a), renderPath(b))).toBe(above)
      expect(ancestorsOf(renderPath(b)).includes(renderPath(a))).toBe(above)
      expect(descendantRange(renderPath(a)).from).toBe(descendant_prefix_of_a)
    },
  )

  it('D03 UTF-8 byte order', () => {
    expect(vectors.utf8_byte_order.toReversed().sort(compareUtf8)).toEqual(vectors.utf8_byte_order)
  })
})

describe('parsePath', () => {
  it('D08 reads what renderPath wrote', () => {
    fc.assert(
      fc.property(segments, (list) => {
        expect(parsePath(renderPath(list))).toEqual(list)
        expect(parsePath(list)).toEqual(list)
      }),
    )
  })

  it('D09 is undone by renderPath wherever it succeeds', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a', '😀') }), (text) => {
        const code = codeOf(() => parsePath(text))
        if (code === 'no error') expect(renderPath(parsePath(text))).toBe(text)
        else expect(['empty_path', 'empty_segment', 'invalid_escape']).toContain(code)
      }),
    )
  })

  it('refuses unpaired surrogates in both forms', () => {
    expect(codeOf(() => parsePath('a/\ud800'))).toBe('invalid_surrogate')
    expect(codeOf(() => parsePath(['a', '\udc00x']))).toBe('invalid_surrogate')
  })

  it('refuses what is neither text nor a list', () => {
    for (const input of [undefined, null, 5, {}, true])
      expect(codeOf(() => parsePath(input))).toBe('not_a_string')
    expect(codeOf(() => parsePath(new Array(2)))).toBe('not_a_string')
  })

  it('does not keep the list it was given', () => {
    const list = ['a', 'b']
    const parsed = parsePath(list)
    list[0] = ''
    expect(parsed).toEqual(['a', 'b'])
  })
})

describe('relations', () => {
  it('childPath, parentPath and ancestorsOf agree', () => {
    fc.assert(
      fc.property(segments, segment, (list, last) => {
        const path = renderPath(list)
        const child = childPath(path, last)
        expect(parsePath(child)).toEqual([...list, last])
        expect(parentPath(child)).toBe(path)
        expect(ancestorsOf(child)).toEqual(list.map((_, i) => renderPath(list.slice(0, i + 1))))
      }),
    )
    expect(parentPath('a')).toBeUndefined()
    expect(ancestorsOf('a')).toEqual([])
  })

  it('descendantRange holds exactly the descendants', () => {
    fc.assert(
      fc.property(segments, segments, (a, b) => {
        const { from, to } = descendantRange(renderPath(a))
        for (const other of [renderPath(b), renderPath([...a, ...b])]) {
          expect(compareUtf8(from, other) <= 0 && compareUtf8(other, to) < 0).toBe(
            isAncestor(renderPath(a), other),
          )
        }
      }),
    )
  })

  it('compareUtf8 orders as the bytes do', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        fc.constantFrom('a', '\ue000', '😀'),
      ),
    })
    fc.assert(
      fc.property(text, text, text, (shared, a, b) => {
        const bytes = Buffer.compare(Buffer.from(shared + a), Buffer.from(shared + b))
        expect(Math.sign(compareUtf8(shared + a, shared + b))).toBe(bytes)
      }),
    )
  })
})
